//! The practical part of the course: a VServer that is a DNS server, one that is a DHCP server and one that is
//! a LAMP server, of Debian's own packages. Each answers a client on the wire, also after it was restarted.
//!
//! What a reboot of the host takes is the VM suite's (`servers`).

mod course_site;
mod sandbox;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use course_site::{Client, LAN, Packages, build};
use sandbox::{Sandbox, leave_network, until};

/// The host on the cable.
const HOST: &str = "192.0.2.1/24";
/// The client, where it has an address of its own.
const CLIENT: &str = "192.0.2.9/24";

/// A VServer with this interface that runs and has packages installed.
fn installed(sandbox: &Sandbox, name: &str, interface: &str, packages: &Packages) -> PathBuf {
    let host_name = format!("{name}.cume.fr");
    build(sandbox, name, &["--hostname", &host_name, "--interface", interface]);
    sandbox.must(&[name, "start"]);
    packages.install(sandbox, name);
    sandbox.settings.roots.guest_base.join(name)
}

#[test]
fn a_dns_server_answers_for_its_zone() {
    let packages = Packages::fetch(&["bind9"]);
    leave_network();
    let client = Client::on_cable(HOST).has_address(CLIENT);
    let sandbox = Sandbox::new();
    let root = installed(&sandbox, "dns", &format!("{LAN}:192.0.2.53/24"), &packages);
    let zone = "zone \"cume.fr\" { type master; file \"/etc/bind/db.cume.fr\"; };\n";
    fs::write(root.join("etc/bind/named.conf.local"), zone).unwrap();
    let records = "$TTL 3600\n\
                   @ IN SOA dns.cume.fr. root.cume.fr. ( 1 3600 900 604800 3600 )\n\
                   @ IN NS dns.cume.fr.\n\
                   dns IN A 192.0.2.53\n\
                   monvs IN A 192.0.2.150\n";
    fs::write(root.join("etc/bind/db.cume.fr"), records).unwrap();
    sandbox.must(&["dns", "exec", "/etc/init.d/named", "restart"]);

    let answers = || {
        let asked = ["nslookup", "-type=a", "monvs.cume.fr", "192.0.2.53"];
        let output = client.run("busybox", &asked);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        output.status.success() && said.contains("Name:\tmonvs.cume.fr\nAddress: 192.0.2.150")
    };
    until("the zone's record is answered", answers);
    let stopped = sandbox.must(&["dns", "exec", "/etc/init.d/named", "stop"]);
    assert!(!answers(), "somebody else answers: {stopped}");
    sandbox.must(&["dns", "restart"]);
    until("it answers after its restart", answers);
}

#[test]
fn a_dhcp_server_on_the_wire_gives_leases() {
    let packages = Packages::fetch(&["isc-dhcp-server", "procps"]);
    leave_network();
    let client = Client::on_cable(HOST);
    let sandbox = Sandbox::new();
    let host_name = ["--hostname", "dhcp.cume.fr"];
    let interface = format!("{LAN}:192.0.2.67/24");
    build(&sandbox, "dhcp", &[&host_name[..], &["--interface", &interface]].concat());
    // On the wire itself, and with the packets that a server of those without an address yet needs.
    let config = sandbox.settings.roots.config_base.join("dhcp");
    fs::write(config.join("interfaces/0/macvlan"), "").unwrap();
    fs::write(config.join("bcapabilities"), "NET_RAW\n").unwrap();
    let root = sandbox.settings.roots.guest_base.join("dhcp");
    fs::create_dir_all(root.join("etc/dhcp")).unwrap();
    fs::create_dir_all(root.join("etc/default")).unwrap();
    sandbox.must(&["dhcp", "start"]);
    packages.install(&sandbox, "dhcp");
    let subnet = "authoritative;\n\
                  default-lease-time 600;\n\
                  subnet 192.0.2.0 netmask 255.255.255.0 {\n\
                  range 192.0.2.100 192.0.2.100;\n\
                  option routers 192.0.2.1;\n\
                  option domain-name \"cume.fr\";\n\
                  }\n";
    fs::write(root.join("etc/dhcp/dhcpd.conf"), subnet).unwrap();
    let interfaces = format!("INTERFACESv4=\"{LAN}\"\n");
    fs::write(root.join("etc/default/isc-dhcp-server"), interfaces).unwrap();
    sandbox.must(&["dhcp", "exec", "/etc/init.d/isc-dhcp-server", "restart"]);

    // What udhcpc is told: it changes nothing by itself.
    let script = sandbox.directory().join("told");
    let text =
        "#!/bin/sh\n[ \"$1\" = bound ] && echo \"$ip $mask of $serverid in $domain\"\nexit 0\n";
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let script = script.to_str().unwrap();
    let lease = || {
        let once = ["udhcpc", "-i", "eth0", "-n", "-q", "-f", "-t", "3", "-T", "1", "-s", script];
        let output = client.run("busybox", &once);
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let expected = "192.0.2.100 24 of 192.0.2.67 in cume.fr\n";
    until("a lease is given", || lease() == expected);
    sandbox.must(&["dhcp", "exec", "/etc/init.d/isc-dhcp-server", "stop"]);
    assert_eq!(lease(), "", "somebody else gives leases");
    sandbox.must(&["dhcp", "restart"]);
    until("a lease is given after its restart", || lease() == expected);
}

#[test]
fn a_lamp_server_shows_a_row_of_its_database() {
    let names = ["apache2", "mariadb-server", "php-mysql", "libapache2-mod-php"];
    let packages = Packages::fetch(&names);
    leave_network();
    let client = Client::on_cable(HOST).has_address(CLIENT);
    let sandbox = Sandbox::new();
    let root = installed(&sandbox, "lamp", &format!("{LAN}:192.0.2.80/24"), &packages);
    let page = "<?php\n\
                $base = new mysqli('localhost', 'course', 'secret', 'course');\n\
                $row = $base->query('SELECT name FROM robots WHERE id = 2')->fetch_row();\n\
                echo \"The small robot is $row[0].\";\n";
    fs::write(root.join("var/www/html/robot.php"), page).unwrap();
    let statements = "CREATE DATABASE course;\n\
                      CREATE TABLE course.robots (id INT PRIMARY KEY, name VARCHAR(20));\n\
                      INSERT INTO course.robots VALUES (1, 'monvs'), (2, 'nono');\n\
                      GRANT SELECT ON course.* TO course@localhost IDENTIFIED BY 'secret';\n";
    fs::write(root.join("root/course.sql"), statements).unwrap();
    for service in ["mariadb", "apache2"] {
        sandbox.must(&["lamp", "exec", &format!("/etc/init.d/{service}"), "start"]);
    }
    sandbox.must(&["lamp", "exec", "sh", "-c", "mariadb < /root/course.sql"]);

    let shown = || {
        let page = "http://192.0.2.80/robot.php";
        let output = client.run("curl", &["--silent", "--fail", "--max-time", "10", page]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let expected = "The small robot is nono.";
    until("the page is shown", || shown() == expected);
    sandbox.must(&["lamp", "exec", "/etc/init.d/mariadb", "stop"]);
    assert_ne!(shown(), expected, "it is not from the database");
    sandbox.must(&["lamp", "restart"]);
    until("the page is shown after its restart", || shown() == expected);
}
