//! The pages of a batch before and after it is begun, and of a VServer's mounts.

use crate::memory::*;
use crate::visitor::{get, post};

#[tokio::test]
async fn what_would_be_done_to_many_is_shown_before_it_is() {
    let memory = Memory::new();
    let list = get(&memory, "operator", "en", "/vservers").await.text;
    let form = list.split("<form id=\"many\"").nth(1).unwrap().split("</form>").next().unwrap();
    assert!(form.contains("action=\"/batch\"") && form.contains("value=\"backup\""));
    assert!(!form.contains("csrf"), "an address never holds the token");
    assert!(list.contains("form=\"many\""), "the boxes are its");
    let viewer = get(&memory, "viewer", "en", "/vservers").await.text;
    assert!(!viewer.contains("/batch"));

    let path = "/batch?action=start&name=web1&name=db1&name=web1";
    let page = get(&memory, "operator", "en", path).await.text;
    for text in [
        "One of 2 VServers would be begun",
        "nothing to do: web1 is already running.",
        "vserver db1 start",
        "vserver --names web1,db1 --at-once 4 start",
        "name=\"names[]\" value=\"db1\" checked",
    ] {
        assert!(page.contains(text), "{text} is not in {page}");
    }
    assert!(!page.contains("value=\"web1\" checked"), "{page}");
    let page = get(&memory, "operator", "en", "/batch?action=delete&name=db1").await.text;
    assert!(page.contains("cannot now: db1 is protected"), "{page}");

    let unknown = get(&memory, "operator", "en", "/batch?action=nosuch").await.text;
    assert!(
        unknown.contains("What is to be done") && !unknown.contains("needed here"),
        "{unknown}"
    );

    let ask = async |fields: &str| {
        let body = format!("csrf={CSRF}&{fields}");
        post(&memory, "operator", "text/html", "/api/vservers/batch", body).await.location
    };
    let two = "names%5B%5D=web1&names%5B%5D=db1";
    let queued = format!("/operations/{RUNNING_OPERATION}");
    assert_eq!(
        ask(&format!("action=stop&{two}&form%5Bat_once%5D=8&form%5Bcanary%5D=1")).await,
        queued
    );
    assert_eq!(ask(&format!("action=backup&{two}&form%5Btarget%5D=local")).await, queued);
    let back = |action: &str| format!("/batch?action={action}&name=web1&name=db1");
    assert_eq!(ask(&format!("action=stop&{two}&form%5Bat_once%5D=17")).await, back("stop"));
    let page = get(&memory, "operator", "en", &back("stop")).await.text;
    assert!(page.contains("aria-invalid=\"true\"") && page.contains("value=\"17\""), "{page}");
    // Whoever deletes many says how many.
    for wrong in ["", "3"] {
        let location = ask(&format!("action=delete&{two}&form%5Bconfirmation%5D={wrong}")).await;
        assert_eq!(location, back("delete"));
    }
    assert_eq!(ask(&format!("action=delete&{two}&form%5Bconfirmation%5D=2")).await, queued);
    assert_eq!(
        ask("action=stop&names%5B%5D=web1&names%5B%5D=web1").await.find("/operations/"),
        None
    );
}

#[tokio::test]
async fn a_mark_is_given_to_many_and_another_one_is_looked_at_first() {
    let memory = Memory::new();
    let list = get(&memory, "operator", "en", "/vservers").await.text;
    assert!(list.contains("value=\"mark\"") && list.contains("value=\"unmark\""), "{list}");
    let page = get(&memory, "operator", "en", "/batch?action=mark&name=web1&name=db1").await.text;
    for text in [
        "One of 2 VServers would be begun",
        "vserver db1 mark default",
        "vserver --names web1,db1 --at-once 4 mark default",
        "name=\"form[mark]\" value=\"default\"",
        "method=\"get\" action=\"/batch\"",
    ] {
        assert!(page.contains(text), "{text} is not in {page}");
    }
    let lab = "/batch?action=unmark&name=web1&name=db1&mark=lab";
    let page = get(&memory, "operator", "en", lab).await.text;
    assert!(page.contains("vserver web1 unmark lab"), "{page}");
    let page = get(&memory, "operator", "en", "/batch?action=mark&name=web1&mark=a%20b").await.text;
    assert!(page.contains("aria-invalid=\"true\"") && !page.contains("names[]"), "{page}");

    let ask = async |fields: &str| {
        let body = format!("csrf={CSRF}&names%5B%5D=web1&names%5B%5D=db1&{fields}");
        post(&memory, "operator", "text/html", "/api/vservers/batch", body).await.location
    };
    let queued = format!("/operations/{RUNNING_OPERATION}");
    assert_eq!(ask("action=unmark&form%5Bmark%5D=lab").await, queued);
    assert_eq!(
        ask("action=mark&form%5Bmark%5D=a%2Fb").await,
        "/batch?action=mark&name=web1&name=db1&mark=a%2Fb"
    );
}

#[tokio::test]
async fn each_of_a_batch_is_shown_with_its_operation() {
    let memory = Memory::new();
    let path = format!("/operations/{RUNNING_BATCH}");
    let page = get(&memory, "viewer", "en", &path).await.text;
    for text in
        ["db1 is protected", "Starting the first process", "/operations/01JADQ8Z9XKXQ5Y7D2M3N4P5R4"]
    {
        assert!(page.contains(text), "{text} is not in {page}");
    }
}

#[tokio::test]
async fn what_is_mounted_otherwise_than_written_is_shown_and_can_be_applied() {
    let memory = Memory::new();
    let page = get(&memory, "operator", "en", "/vservers/web1/mounts").await.text;
    for text in [
        "otherwise: rw,nodev,size=8192k",
        "used",
        "action=\"/api/mounts/apply\"",
        "name=\"target\" value=\"/tmp\"",
        "vserver web1 remount /tmp",
    ] {
        assert!(page.contains(text), "{text} is not in {page}");
    }
    let viewer = get(&memory, "viewer", "en", "/vservers/web1/mounts").await.text;
    assert!(viewer.contains("otherwise: ") && !viewer.contains("mounts/apply"), "{viewer}");
    let stopped = get(&memory, "operator", "en", "/vservers/db1/mounts").await.text;
    assert!(!stopped.contains("Mounted now"), "{stopped}");
    let body = format!("csrf={CSRF}&name=web1&target=%2Ftmp");
    let answer = post(&memory, "operator", "text/html", "/api/mounts/apply", body).await;
    assert_eq!(answer.location, "/vservers/web1/mounts");
    let page = get(&memory, "operator", "en", "/vservers/web1/mounts").await.text;
    assert!(page.contains(&format!("/operations/{RUNNING_OPERATION}")), "{page}");
    // The page of the file leads here.
    let file = get(&memory, "viewer", "en", "/vservers/web1/config/file?path=fstab").await.text;
    assert!(file.contains("href=\"/vservers/web1/mounts\""), "{file}");
}

#[tokio::test]
async fn tmp_grows_by_a_form_and_is_shown_as_a_difference_before_it_is_saved() {
    let memory = Memory::new();
    let address = "/vservers/web1/mounts?file=fstab&line=3";
    let page = get(&memory, "operator", "en", address).await.text;
    for text in ["name=\"form[size]\"", "value=\"16m\"", "value=\"1777\"", "/mnt/&lt;own&gt;"] {
        assert!(page.contains(text), "{text} is not in {page}");
    }
    let send = async |role: &str, fields: &str| {
        let body = format!("csrf={CSRF}&name=web1&file=fstab&{fields}");
        post(&memory, role, "text/html", "/api/mounts/change", body).await.location
    };
    let tmp = "line=3&form%5Btarget%5D=%2Ftmp&form%5Bmode%5D=1777";
    let file = "/vservers/web1/config/file?path=fstab";
    assert_eq!(send("operator", &format!("{tmp}&form%5Bsize%5D=32m")).await, file);
    let shown = get(&memory, "operator", "en", file).await.text;
    for text in
        ["none /tmp tmpfs size=32m,mode=1777 0 0", "vserver web1 config edit fstab", "config/save"]
    {
        assert!(shown.contains(text), "{text} is not in {shown}");
    }
    assert_eq!(send("operator", "line=2&action=remove").await, file);
    let shown = get(&memory, "operator", "en", file).await.text;
    assert!(shown.contains("# of the course") && shown.contains("config/save"), "{shown}");
    // What is wrong is said where it was typed.
    let back = "/vservers/web1/mounts#mount-form";
    assert_eq!(send("operator", &format!("{tmp}&form%5Bsize%5D=much")).await, back);
    let page = get(&memory, "operator", "en", "/vservers/web1/mounts").await.text;
    assert!(page.contains("value=\"much\"") && page.contains("aria-invalid=\"true\""), "{page}");
    // What is shown of the host stays root's to say, and a line that is gone is not another one.
    let bind = "line=0&form%5Btarget%5D=%2Fmnt&form%5Bfs_type%5D=none&form%5Bothers%5D=bind";
    assert_eq!(send("operator", bind).await, back);
    assert_eq!(send("operator", "line=9&form%5Btarget%5D=%2Ftmp").await, back);
    let viewer = get(&memory, "viewer", "en", "/vservers/web1/mounts").await.text;
    assert!(!viewer.contains("/api/mounts/change"), "{viewer}");
}
