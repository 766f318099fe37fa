//! Which processes a page shows, and in which order: what stands in the page's address, and in that of its
//! event stream.

use core::fmt;
use core::str::FromStr;

use domain::field::Problem;
use domain::id::VServerName;
use serde::{Deserialize, Serialize};

macro_rules! columns {
    ($($(#[$attribute:meta])* $name:ident: $key:literal, $head:literal, $order:ident;)+) => {
        /// A column of the table of processes.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        #[expect(missing_docs, reason = "each is named like the field of a process that it shows")]
        pub enum Column {
            $($(#[$attribute])* $name,)+
        }

        impl Column {
            /// All of them, in order.
            pub const ALL: [Self; [$($key),+].len()] = [$(Self::$name),+];

            /// Its name in an address.
            #[must_use]
            pub fn key(self) -> &'static str {
                match self { $(Self::$name => $key,)+ }
            }

            /// Its title: as `ps` and `top` have it, in every language.
            #[must_use]
            pub fn head(self) -> &'static str {
                match self { $(Self::$name => $head,)+ }
            }

            /// Whether the largest is looked for first.
            #[must_use]
            pub fn begins_with_largest(self) -> bool {
                match self { $(Self::$name => columns!(@order $order),)+ }
            }
        }
    };
    (@order largest) => { true };
    (@order smallest) => { false };
}
columns! {
    Pid: "pid", "PID", smallest;
    #[default]
    VServer: "vserver", "VServer", smallest;
    Inside: "inside", "NSPID", smallest;
    User: "user", "USER", smallest;
    State: "state", "S", smallest;
    Nice: "nice", "NI", smallest;
    Cpu: "cpu", "%CPU", largest;
    Time: "time", "TIME", largest;
    Rss: "rss", "RSS", largest;
    Vsz: "vsz", "VSZ", largest;
    Threads: "threads", "NLWP", largest;
    Start: "start", "START", largest;
    Command: "command", "COMMAND", smallest;
}

impl Column {
    /// The column of a name.
    #[must_use]
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.key() == key)
    }
}

/// Which processes, in which order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProcessView {
    /// Of this VServer alone.
    pub vserver: Option<VServerName>,
    /// Those that hold this text.
    pub text: String,
    /// By which column.
    pub sort: Column,
    /// The other way round than that column begins.
    pub is_reversed: bool,
    /// Each below its parent.
    pub is_tree: bool,
}

/// Five words with colons between; the text, which may hold anything, is the last. No VServer's name has a
/// colon.
impl fmt::Display for ProcessView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (order, shape) = (u8::from(self.is_reversed), u8::from(self.is_tree));
        let vserver = self.vserver.as_ref().map_or("", VServerName::as_str);
        write!(f, "{}:{order}:{shape}:{vserver}:{}", self.sort.key(), self.text)
    }
}

impl FromStr for ProcessView {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Problem> {
        let mut words = text.splitn(5, ':');
        let mut word = || words.next().ok_or(Problem::Missing);
        let sort = Column::of_key(word()?).ok_or(Problem::Missing)?;
        let (is_reversed, is_tree) = (word()? == "1", word()? == "1");
        let vserver = Some(word()?).filter(|name| !name.is_empty()).map(str::parse).transpose()?;
        Ok(Self { vserver, text: word()?.to_owned(), sort, is_reversed, is_tree })
    }
}

impl TryFrom<String> for ProcessView {
    type Error = Problem;
    fn try_from(text: String) -> Result<Self, Problem> {
        text.parse()
    }
}

impl From<ProcessView> for String {
    fn from(view: ProcessView) -> Self {
        view.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_written_as_it_is_read() {
        let view = ProcessView {
            vserver: "web1".parse().ok(),
            text: "a:b c".to_owned(),
            sort: Column::Cpu,
            is_reversed: true,
            is_tree: false,
        };
        assert_eq!(view.to_string(), "cpu:1:0:web1:a:b c");
        assert_eq!(view.to_string().parse(), Ok(view));
        assert_eq!(ProcessView::default().to_string().parse(), Ok(ProcessView::default()));
        for text in ["", "cpu", "nope:0:0::", "cpu:0:0:-web:", "cpu:0:0:web1"] {
            assert!(text.parse::<ProcessView>().is_err(), "{text}");
        }
    }
}
