// Shows what a form would do while it is filled in.
//
// A moment after the last key its page is asked for with what was typed, and the part that says what
// would be done is taken from the answer: it is the server's, in its words, and nothing here knows what
// is in it. Nothing is changed by asking. Without scripts a button shows the same.

const form = document.querySelector("form[data-preview]");
const place = document.querySelector("[data-preview-place]");
let timer;
let asking = new AbortController();

async function show() {
  const typed = [...new FormData(form)].filter(([name, value]) => name.startsWith("form[") && value.trim());
  asking.abort();
  asking = new AbortController();
  try {
    const address = `${location.pathname}?${new URLSearchParams(typed)}`;
    const answer = await fetch(address, { headers: { Accept: "text/html" }, signal: asking.signal });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const shown = page.querySelector("[data-preview-place]");
    place.replaceChildren(...(shown ? shown.childNodes : []));
  } catch (error) {
    // Overtaken by what was typed since, or the server does not answer: the banner says so.
    if (error.name !== "AbortError") place.replaceChildren();
  }
}

form.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(show, 400);
});
