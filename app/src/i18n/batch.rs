//! What is said of one change to many VServers, at the command line and on its pages.

use super::messages::messages;
use super::{Locale, en, fr};

messages! { BatchMessages:
    // The command line.
    nobody_chosen;
    operating_on(name);
    delete_all_question(names);
    command_of_one(word);
    many_options;
}
