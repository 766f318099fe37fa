//! Everything that is parsed from text: what is taken, what is refused with which reason, and that
//! nothing that is taken could be more than it is (a path, a second line, an option).

use std::net::IpAddr;

use domain::field::Problem;
use domain::id::{
    ContextId, DeviceName, Flag, HostName, MirrorUrl, OperationId, PackageName, Suite, UserName,
    VServerName, Variant,
};
use domain::interface::{Device, Interface, prefix_of_netmask};
use domain::user::Password;
use proptest::prelude::*;

#[test]
fn names_of_vservers() {
    for good in ["web", "web-1.lan_2", "1", "X".repeat(63).as_str()] {
        assert!(good.parse::<VServerName>().is_ok(), "{good}");
    }
    for bad in ["", ".", "..", "-web", "_x", "a/b", "a b", "a\n", "é", "X".repeat(64).as_str()] {
        assert!(bad.parse::<VServerName>().is_err(), "{bad:?}");
    }
    assert_eq!(
        "web.dpkg-old".parse::<VServerName>(),
        Err(Problem::BackupSuffix { suffix: ".dpkg-old".to_owned() })
    );
    assert!(matches!(
        "we b".parse::<VServerName>(),
        Err(Problem::Character { character: ' ', position: 3, .. })
    ));
}

#[test]
fn host_names_are_labels() {
    for good in ["web", "web.example.org", "a-b.c"] {
        assert!(good.parse::<HostName>().is_ok(), "{good}");
    }
    for bad in ["", "a..b", "a.", ".a", "-a", "a-", "a.-b", "a_b", "x".repeat(65).as_str()] {
        assert!(bad.parse::<HostName>().is_err(), "{bad:?}");
    }
}

#[test]
fn mirrors_are_addresses_that_fit_a_line() {
    for good in ["http://a.example/debian", "https://a.example:8080/d?x=1", "file:///srv/debian"] {
        assert!(good.parse::<MirrorUrl>().is_ok(), "{good}");
    }
    for bad in [
        "",
        "ftp://a",
        "http://",
        "http:///x",
        "file://srv",
        "http://a b",
        "http://a\n",
        "http://a'",
    ] {
        assert!(bad.parse::<MirrorUrl>().is_err(), "{bad:?}");
    }
}

#[test]
fn context_numbers_are_the_originals() {
    let numbers = [0, 1, 2, 49151, 49152, 65538];
    let taken = numbers.map(|number| ContextId::try_from(number).is_ok());
    assert_eq!(taken, [false, false, true, true, false, false]);
    assert_eq!(ContextId::MAX.next(), None);
}

#[test]
fn small_words() {
    assert!("nodev".parse::<DeviceName>().is_err(), "a word of the grammar is no device");
    assert!("eth0.4".parse::<DeviceName>().is_ok());
    assert!("a234567890123456".parse::<DeviceName>().is_err(), "the kernel takes 15 bytes");
    assert!("--include".parse::<PackageName>().is_err());
    assert!("libstdc++6".parse::<PackageName>().is_ok());
    assert!("../sid".parse::<Suite>().is_err());
    assert!("Root".parse::<UserName>().is_err());
    assert!("fakechroot".parse::<Variant>().is_err());
    assert!("~sched_hard".parse::<Flag>().is_ok() && "sched".parse::<Flag>().is_err());
    assert!("01ARZ3NDEKTSV4RRFFQ69G5FAV".parse::<OperationId>().is_ok());
    assert!("01arz3ndektsv4rrffq69g5fav".parse::<OperationId>().is_err());
}

#[test]
fn the_interface_grammar_of_the_original() {
    let parsed = |text: &str| text.parse::<Interface>();
    let whole = parsed("web=eth0:192.0.2.5/255.255.255.0").unwrap();
    assert_eq!(whole.label.as_ref().unwrap().as_str(), "web");
    assert_eq!(whole.device, Device::Named("eth0".parse().unwrap()));
    assert_eq!(whole.address, IpAddr::from([192, 0, 2, 5]));
    assert_eq!(whole.prefix, Some(24));
    assert_eq!(parsed("192.0.2.5").unwrap().prefix_or_host(), 32);
    assert_eq!(parsed("nodev:192.0.2.5").unwrap().device, Device::None);
    let six = parsed("eth0:2001:db8::5/64").unwrap();
    assert_eq!((six.prefix, six.address.is_ipv6()), (Some(64), true));
    assert_eq!(parsed("2001:db8::5").unwrap().device, Device::None);
    for bad in [
        "",
        "eth0:",
        "eth0:300.1.1.1",
        "eth0:127.0.0.1",
        "eth0:224.0.0.1",
        "eth0:0.0.0.0",
        "192.0.2.5/33",
        "2001:db8::5/129",
        "192.0.2.5/255.0.255.0",
        "e th0:192.0.2.5",
        "=192.0.2.5",
        "longlabel1234=longdevice:192.0.2.5",
    ] {
        assert!(parsed(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn netmasks_are_ones_then_zeroes() {
    assert_eq!(prefix_of_netmask([0, 0, 0, 0].into()), Ok(0));
    assert_eq!(prefix_of_netmask([255, 255, 255, 255].into()), Ok(32));
    assert_eq!(prefix_of_netmask([255, 255, 252, 0].into()), Ok(22));
    assert!(prefix_of_netmask([255, 0, 255, 0].into()).is_err());
}

#[test]
fn passwords_are_long_and_not_the_first_guess() {
    let name: UserName = "josephine".parse().unwrap();
    let choose = |text: &str| Password::choose(text.to_owned(), &name);
    assert!(choose("correct horse battery").is_ok());
    for bad in ["short", "password2026", "motdepasse1", "aaaaaaaaaaaa", "josephine1"] {
        assert!(choose(bad).is_err(), "{bad}");
    }
    assert!(choose(&"xyzw".repeat(65)).is_err());
    let shown = format!("{:?}", choose("correct horse battery").unwrap());
    assert!(!shown.contains("horse"), "a password is never printed");
}

proptest! {
    #[test]
    fn nothing_that_is_taken_is_more_than_a_word(text in ".{0,80}") {
        let taken = [
            text.parse::<VServerName>().map(String::from),
            text.parse::<HostName>().map(String::from),
            text.parse::<Suite>().map(String::from),
            text.parse::<PackageName>().map(String::from),
            text.parse::<DeviceName>().map(String::from),
            text.parse::<UserName>().map(String::from),
        ];
        for word in taken.into_iter().flatten() {
            prop_assert_eq!(&word, &text);
            prop_assert!(!word.starts_with('-') && word != "." && word != "..");
            prop_assert!(word.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/'));
        }
    }

    #[test]
    fn an_interface_is_written_as_it_is_read(
        label in proptest::option::of("[a-z][a-z0-9]{0,3}"),
        device in proptest::option::of("[a-z][a-z0-9]{1,6}"),
        address in any::<[u8; 4]>(),
        six in proptest::option::of(any::<[u16; 8]>()),
        prefix in proptest::option::of(0u8..=32),
    ) {
        let address = six.map_or(IpAddr::from(address), IpAddr::from);
        let device = match device {
            Some(name) => match name.parse() {
                Ok(name) => Device::Named(name),
                Err(_) => return Ok(()),
            },
            None => Device::None,
        };
        let label = label.map(|label| label.parse().unwrap());
        if let Ok(interface) = Interface::new(label, device, address, prefix) {
            prop_assert_eq!(interface.to_string().parse::<Interface>(), Ok(interface));
        }
    }

    #[test]
    fn no_text_breaks_the_interface_grammar(text in "[a-z0-9:./=]{0,40}") {
        let _ = text.parse::<Interface>();
    }

    #[test]
    fn what_is_refused_in_text_is_refused_on_the_wire(text in ".{0,20}") {
        let parsed = text.parse::<VServerName>().ok();
        let json = serde_json::to_string(&text).unwrap();
        prop_assert_eq!(serde_json::from_str::<VServerName>(&json).ok(), parsed);
    }
}
