//! Builds again when a migration is added: `sqlx::migrate!` sees only those that were there.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
