//! The binary `ulysse`.
use app as _;
use engine as _;
use store as _;
use sys as _;
fn main() {}
