//! Makes one style sheet of `main.css` and those it imports.
//!
//! Only the form that Ulysse uses is understood, `@import url("FILE") layer(NAME);` in `main.css`,
//! on a line of its own; any other import is refused rather than served and not found.

/// The sheet that imports the others.
const MAIN: &str = "main.css";

/// A style sheet.
pub(crate) struct Sheet {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// Why the style sheets could not be made one.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StyleError {
    /// There is no `main.css`, or a sheet that is imported is not there.
    #[error("{wanted} is missing")]
    Missing { wanted: String },
    /// An import in another form, or in another sheet.
    #[error("{sheet}, line {line}: expected @import url(\"FILE\") layer(NAME); in main.css alone")]
    Import { sheet: String, line: usize },
    /// A sheet that nothing imports would be dropped without a word.
    #[error("nothing imports {sheet}")]
    Forgotten { sheet: String },
    /// A comment goes on to the end of the file.
    #[error("{sheet}: a comment does not end")]
    Comment { sheet: String },
}

/// Puts every imported sheet in its importer's place, without comments.
pub(crate) fn inline(sheets: &[Sheet]) -> Result<String, StyleError> {
    let mut unused: Vec<&str> = sheets.iter().map(|sheet| sheet.name.as_str()).collect();
    let mut take = |wanted: &str| {
        unused.retain(|name| *name != wanted);
        let sheet = sheets.iter().find(|sheet| sheet.name == wanted);
        let sheet = sheet.ok_or_else(|| StyleError::Missing { wanted: wanted.to_owned() })?;
        without_comments(sheet)
    };
    let mut whole = String::new();
    for (index, line) in take(MAIN)?.lines().enumerate() {
        if !line.contains("@import") {
            push_line(&mut whole, line);
            continue;
        }
        let (name, layer) = import(line).ok_or_else(|| refused(MAIN, index))?;
        push_line(&mut whole, &format!("@layer {layer} {{"));
        for (index, line) in take(name)?.lines().enumerate() {
            if line.contains("@import") {
                return Err(refused(name, index));
            }
            push_line(&mut whole, line);
        }
        push_line(&mut whole, "}");
    }
    match unused.first() {
        Some(sheet) => Err(StyleError::Forgotten { sheet: (*sheet).to_owned() }),
        None => Ok(whole),
    }
}

fn refused(sheet: &str, index: usize) -> StyleError {
    StyleError::Import { sheet: sheet.to_owned(), line: index + 1 }
}

/// File and layer of an import.
fn import(line: &str) -> Option<(&str, &str)> {
    let rest = line.trim().strip_prefix("@import url(\"")?;
    let (name, rest) = rest.split_once("\") layer(")?;
    Some((name, rest.strip_suffix(");")?))
}

fn push_line(whole: &mut String, line: &str) {
    let line = line.trim();
    if !line.is_empty() {
        whole.push_str(line);
        whole.push('\n');
    }
}

/// The text without comments, line for line, so that lines keep their numbers. Quoted text of ours
/// holds no comment marks.
fn without_comments(sheet: &Sheet) -> Result<String, StyleError> {
    let mut text = String::new();
    let mut rest = sheet.text.as_str();
    while let Some((before, after)) = rest.split_once("/*") {
        text.push_str(before);
        let (comment, after) = after
            .split_once("*/")
            .ok_or_else(|| StyleError::Comment { sheet: sheet.name.clone() })?;
        text.extend(comment.chars().filter(|character| *character == '\n'));
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheets(texts: &[(&str, &str)]) -> Vec<Sheet> {
        let sheet = |(name, text): &(&str, &str)| Sheet {
            name: (*name).to_owned(),
            text: (*text).to_owned(),
        };
        texts.iter().map(sheet).collect()
    }

    #[test]
    fn imports_become_layers_in_their_order() {
        let made = inline(&sheets(&[
            ("a.css", "/* A\n and so on */\n.a {\n  color: red;\n}\n"),
            (
                "main.css",
                "@layer a, b;\n@import url(\"b.css\") layer(b);\n@import url(\"a.css\") layer(a);\n",
            ),
            ("b.css", ".b { margin: 0 }\n"),
        ]));
        let wanted =
            "@layer a, b;\n@layer b {\n.b { margin: 0 }\n}\n@layer a {\n.a {\ncolor: red;\n}\n}\n";
        assert_eq!(made.as_deref(), Ok(wanted));
    }

    #[test]
    fn what_would_not_be_served_is_refused() {
        let missing = inline(&sheets(&[("main.css", "@import url(\"b.css\") layer(b);")]));
        let wanted = "b.css".to_owned();
        assert_eq!(missing, Err(StyleError::Missing { wanted }));

        let forgotten = inline(&sheets(&[("main.css", ""), ("b.css", "")]));
        let sheet = "b.css".to_owned();
        assert_eq!(forgotten, Err(StyleError::Forgotten { sheet }));

        let foreign = inline(&sheets(&[("main.css", "/*\n*/\n@import 'x.css';")]));
        let sheet = "main.css".to_owned();
        assert_eq!(foreign, Err(StyleError::Import { sheet, line: 3 }));

        let open = inline(&sheets(&[("main.css", ".a {} /* and")]));
        let sheet = "main.css".to_owned();
        assert_eq!(open, Err(StyleError::Comment { sheet }));
    }
}
