//! Who may do what, as a table to be reviewed: a change of it shows here.

use domain::authz::{ActionKind, BuildVServer, ManageUsers, ViewVServers, allowed, authorize};
use domain::failure::Failure;
use domain::id::UserId;
use domain::user::{Identity, Role};

#[test]
fn the_table() {
    let mut table = format!("{:<18}", "action");
    for role in Role::ALL {
        table.push_str(&format!(" {role:<13}"));
    }
    for action in ActionKind::ALL {
        table.push_str(&format!("\n{:<18}", action.as_str()));
        for role in Role::ALL {
            table.push_str(&format!(" {:<13}", if allowed(role, action) { "yes" } else { "-" }));
        }
    }
    let table: Vec<&str> = table.lines().map(str::trim_end).collect();
    insta::assert_snapshot!(table.join("\n"), @r"
    action             administrator operator      viewer
    view-vservers      yes           yes           yes
    view-operations    yes           yes           yes
    build-vserver      yes           yes           -
    run-vserver        yes           yes           -
    enter-vserver      yes           yes           -
    delete-vserver     yes           yes           -
    configure-vserver  yes           yes           -
    configure-defaults yes           -             -
    cancel-operation   yes           yes           -
    back-up-vserver    yes           yes           -
    restore-backup     yes           yes           -
    change-identity    yes           yes           -
    protect-vserver    yes           yes           -
    undelete-vserver   yes           yes           -
    purge-vserver      yes           -             -
    manage-users       yes           -             -
    own-account        yes           yes           yes
    view-templates     yes           yes           yes
    manage-templates   yes           yes           -
    signal-process     yes           yes           -
    manage-packages    yes           yes           -
    read-inside        yes           yes           -
    manage-services    yes           yes           -
    ");
}

fn identity(role: Role) -> Identity {
    Identity { user: UserId(7), name: "claude".parse().unwrap(), role }
}

#[test]
fn a_permit_names_whom_it_was_given_to() {
    let operator = identity(Role::Operator);
    assert_eq!(authorize::<BuildVServer>(Some(&operator)).unwrap().identity(), &operator);
}

#[test]
fn nobody_gets_no_permit_and_a_role_none_beyond_it() {
    assert_eq!(authorize::<ViewVServers>(None).unwrap_err(), Failure::NotLoggedIn);
    let refused = authorize::<ManageUsers>(Some(&identity(Role::Operator))).unwrap_err();
    assert_eq!(refused, Failure::NotAllowed { action: "manage-users".to_owned() });
}
