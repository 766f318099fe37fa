//! Prints what each file of the site weighs, and the first load.

use std::fmt::Write;

use crate::site::Site;

/// A table in bytes; the files of the first load are marked and summed up.
pub(crate) fn render(site: &Site, first_load: &[&str]) -> String {
    let mut table = String::new();
    let mut line = |mark: &str, name: &str, sizes: [u64; 3]| {
        let [raw, gzip, brotli] = sizes;
        // Writing to a string cannot fail.
        let _ = writeln!(table, "{mark} {name:<20} {raw:>9} {gzip:>9} {brotli:>9}");
    };
    let mut sums = [0; 3];
    for file in &site.files {
        let sizes = [file.raw_bytes, file.gzip_bytes, file.brotli_bytes];
        let is_first = first_load.contains(&file.name.as_str());
        if is_first {
            for (sum, size) in sums.iter_mut().zip(sizes) {
                *sum += size;
            }
        }
        line(if is_first { "*" } else { " " }, &file.name, sizes);
    }
    line("*", "first load", sums);
    format!("  {:<20} {:>9} {:>9} {:>9}\n{table}", "bytes", "raw", "gzip", "brotli")
}

#[cfg(test)]
mod tests {
    use crate::site::{File, Site};

    #[test]
    fn the_first_load_is_summed_up() {
        let file = |name: &str, bytes| File {
            name: name.to_owned(),
            raw_bytes: bytes,
            gzip_bytes: bytes / 2,
            brotli_bytes: bytes / 4,
        };
        let site = Site { files: vec![file("a.js", 400), file("b.js", 40), file("c.js", 4000)] };
        let table = super::render(&site, &["a.js", "c.js"]);
        assert!(table.contains("* a.js"));
        assert!(table.contains("  b.js"));
        let last = table.lines().last().unwrap();
        let words: Vec<&str> = last.split_whitespace().collect();
        assert_eq!(words, ["*", "first", "load", "4400", "2200", "1100"]);
    }
}
