// Wakes the islands of a page: loads the WebAssembly and hands each <leptos-island> to its function.
//
// This is the loader that leptos would put inline into every page; as a file it is cached, and the
// page needs no inline script. The two content-hashed addresses stand in the page's <link>s. When
// anything here fails the page stays what the server sent, which works as it is.

const address = (id) => document.getElementById(id)?.href;

async function wake(node, module) {
  for (const child of [...node.children]) {
    if (child.tagName === "LEPTOS-ISLAND") {
      const island = module[child.dataset.component];
      if (island) await island(child);
    }
    await wake(child, module);
  }
}

async function start() {
  const module = await import(address("app-js"));
  await module.default({ module_or_path: address("app-wasm") });
  module.hydrate();
  await wake(document.body, module);
  // The style sheet shows what needs JavaScript, and hides what stands in for it, from here on.
  document.documentElement.dataset.awake = "";
}

if (document.querySelector("leptos-island")) start();
else document.documentElement.dataset.awake = "";
