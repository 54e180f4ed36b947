//! Logins of all kinds, and what is not told to whom.

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::Memberships;
use crate::hashing::Hashing;
use crate::keys::{Created, create};

/// `password` and `U*U`, at costs that a test can pay.
const ALICE: &str = "alice:$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4:admin:ops\n";
const BOB: &str = "bob:$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\n";

struct World {
    folder: TempDir,
    logins: Logins,
}

impl World {
    fn with(sources: Sources, users: &str) -> World {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users");
        std::fs::write(&path, users).unwrap();
        let users = Some(Arc::new(Users::open(&path, None).unwrap()));
        World { folder, logins: Logins::new(Sources { users, ..sources }) }
    }

    fn new() -> World {
        World::with(Sources::default(), &format!("{ALICE}{BOB}"))
    }

    async fn basic(&self, user: &str, password: &str) -> Result<Proved, LoginFailure> {
        self.basic_from(user, password, [192, 0, 2, 1]).await
    }

    async fn basic_from(
        &self,
        user: &str,
        password: &str,
        from: [u8; 4],
    ) -> Result<Proved, LoginFailure> {
        let password = Secret(password.to_string());
        let shown = Credentials::Basic { user: user.to_string(), password };
        self.logins.authenticate(shown, Some(IpAddr::from(from))).await
    }

    async fn bearer(&self, text: &str) -> Result<Proved, LoginFailure> {
        let shown = Credentials::Bearer(Secret(text.to_string()));
        self.logins.authenticate(shown, None).await
    }
}

fn is_refused(checked: &Result<Proved, LoginFailure>) -> bool {
    matches!(checked, Err(LoginFailure::Refused { .. }))
}

fn is_slowed(checked: &Result<Proved, LoginFailure>) -> bool {
    matches!(checked, Err(LoginFailure::Slowed { .. }))
}

#[tokio::test]
async fn a_user_logs_in_with_roles_and_groups() {
    let world = World::new();
    let proved = world.basic("alice", "password").await.unwrap();
    assert_eq!(&*proved.identity.name, "alice");
    assert_eq!(proved.identity.roles.join("+"), "admin");
    assert_eq!(proved.identity.groups.join("+"), "ops");
    assert_eq!((proved.identity.proof, proved.until), (Proof::Password, None));
    assert!(world.basic("bob", "U*U").await.is_ok());
    assert!(is_refused(&world.basic("alice", "U*U").await));
    assert!(is_refused(&world.basic("Alice", "password").await));
}

#[tokio::test]
async fn an_unknown_user_costs_a_hash_as_a_wrong_password_does() {
    let world = World::new();
    let hashed = || world.logins.counts().hashed;
    let long = "x".repeat(crate::PASSWORD_BYTES_MAX + 1);
    for (user, password) in [
        ("alice", "wrong"),
        ("nobody", "wrong"),
        ("", "wrong"),
        ("alice", ""),
        ("bob", "U*U\0"),
        ("bob", &long),
        ("nobody-else", &long),
    ] {
        let before = hashed();
        assert!(is_refused(&world.basic(user, password).await), "{user}");
        assert_eq!(hashed(), before + 1, "{user}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_sixth_guess_is_refused_without_a_look_at_it() {
    let world = World::new();
    for user in ["alice", "nobody"] {
        for _ in 0..5 {
            assert!(is_refused(&world.basic(user, "wrong").await));
        }
        let before = world.logins.counts();
        let checked = world.basic(user, "password").await;
        assert_eq!(checked, Err(LoginFailure::Slowed { retry_after: Duration::from_secs(1) }));
        let after = world.logins.counts();
        assert_eq!((after.hashed, after.slowed), (before.hashed, before.slowed + 1));
    }
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(world.basic("alice", "password").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn who_has_logged_in_from_an_address_is_not_kept_out_by_others() {
    let world = World::new();
    assert!(world.basic_from("alice", "password", [192, 0, 2, 1]).await.is_ok());
    for _ in 0..5 {
        assert!(is_refused(&world.basic_from("alice", "wrong", [192, 0, 2, 2]).await));
    }
    assert!(is_slowed(&world.basic_from("alice", "password", [192, 0, 2, 3]).await));
    assert!(world.basic_from("alice", "password", [192, 0, 2, 1]).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_hundred_guesses_at_once_are_five() {
    let world = World::new();
    let guesses = (0..100).map(|number| {
        let world = &world;
        async move { world.basic("alice", &format!("guess-{number}")).await }
    });
    let guesses = all(guesses.map(Box::pin).collect()).await;
    assert_eq!(guesses.iter().filter(|guess| is_refused(guess)).count(), 5);
    assert_eq!(guesses.iter().filter(|guess| is_slowed(guess)).count(), 95);
    assert_eq!(world.logins.counts().hashed, 5);
}

#[tokio::test]
async fn a_hundred_good_logins_at_once_are_all_good() {
    let world = World::new();
    let logins = (0..100).map(|_| Box::pin(world.basic("alice", "password"))).collect();
    assert!(all(logins).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_good_login_that_nobody_waits_for_counts_as_good() {
    let world = World::new();
    for _ in 0..20 {
        let mut login = Box::pin(world.basic("alice", "password"));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let _ = login.as_mut().poll(&mut context); // it may have been quick
    }
    assert!(world.basic("alice", "password").await.is_ok());
}

#[tokio::test]
async fn a_guess_that_nobody_waits_for_counts() {
    let world = World::new();
    for _ in 0..5 {
        let mut login = Box::pin(world.basic("alice", "wrong"));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let _ = login.as_mut().poll(&mut context); // it may have been quick
    }
    assert!(is_slowed(&world.basic("alice", "password").await));
}

#[tokio::test]
async fn too_many_logins_are_503_and_no_failure_of_the_users() {
    let mut world = World::new();
    let users = world.logins.passwords.as_ref().unwrap().users().clone();
    world.logins.passwords = Some(Arc::new(Passwords::with(users, Hashing::full())));
    for _ in 0..10 {
        let checked = world.basic("alice", "password").await;
        assert!(matches!(checked, Err(LoginFailure::Unavailable { .. })), "{checked:?}");
    }
    assert_eq!(world.logins.counts().unavailable, 10);
}

fn key(folder: &Path) -> (Sources, Created) {
    let path = folder.join("keys");
    let made = create(&path, "billing", &Memberships::default(), None, SystemTime::now()).unwrap();
    let keys = Some(Arc::new(Keys::open(&path).unwrap()));
    (Sources { keys, realm: "weir".to_string(), ..Sources::default() }, made)
}

#[tokio::test]
async fn a_key_is_taken_as_bearer_and_as_basic() {
    let folder = tempfile::tempdir().unwrap();
    let (sources, made) = key(folder.path());
    let world = World::with(sources, ALICE);
    for checked in [world.bearer(&made.bearer()).await, world.basic(&made.id, &made.secret).await] {
        let proved = checked.unwrap();
        assert_eq!((&*proved.identity.name, proved.identity.proof), ("billing", Proof::ApiKey));
    }
    assert!(world.basic("alice", "password").await.is_ok());
    assert!(is_refused(&world.bearer(&made.secret).await));
    // a user's name with a key's secret is a wrong password
    assert!(is_refused(&world.basic("alice", &made.secret).await));
    assert_eq!(world.logins.counts().hashed, 2);
    assert_eq!(world.logins.challenges(), ["Basic realm=\"weir\"", "Bearer realm=\"weir\""]);
}

struct OneToken;

impl TokenVerifier for OneToken {
    fn verify(&self, token: &str) -> Authenticating<'_> {
        let checked = match token {
            "good" => Ok(Proved { identity: Identity::new("carol", Proof::Token), until: None }),
            _ => refused("no"),
        };
        Box::pin(async move { checked })
    }

    fn generation(&self) -> u64 {
        7
    }
}

#[tokio::test]
async fn what_is_no_key_is_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let (sources, made) = key(folder.path());
    let sources = Sources { tokens: Some(Arc::new(OneToken)), ..sources };
    let logins = Logins::new(sources);
    let bearer = |text: &str| {
        let shown = Credentials::Bearer(Secret(text.to_string()));
        logins.authenticate(shown, None)
    };
    assert_eq!(&*bearer("good").await.unwrap().identity.name, "carol");
    assert_eq!(&*bearer(&made.bearer()).await.unwrap().identity.name, "billing");
    assert!(is_refused(&bearer("bad").await));
    assert_eq!(logins.generation(), 7);
}

#[tokio::test]
async fn a_certificate_has_the_name_that_a_rule_gives_it() {
    let certificate = |logins: &Logins, subject: &str| {
        let shown = Credentials::Certificate { subject: subject.to_string() };
        let mut checking = logins.authenticate(shown, None);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match checking.as_mut().poll(&mut context) {
            std::task::Poll::Ready(checked) => checked,
            std::task::Poll::Pending => panic!("it waits"),
        }
    };
    let rule: CertificateName = Box::new(|subject| subject.strip_prefix("CN=").map(str::to_string));
    let logins = Logins::new(Sources { certificate_name: Some(rule), ..Sources::default() });
    let proved = certificate(&logins, "CN=alice").unwrap();
    assert_eq!((&*proved.identity.name, proved.identity.proof), ("alice", Proof::Certificate));
    assert!(is_refused(&certificate(&logins, "CN=")));
    assert!(is_refused(&certificate(&logins, "OU=alice")));
    assert!(is_refused(&certificate(&Logins::new(Sources::default()), "CN=alice")));
    assert!(logins.challenges().is_empty());
}

#[tokio::test]
async fn a_changed_file_changes_who_may_log_in_and_the_generation() {
    let world = World::new();
    let (tell, told) = tokio::sync::watch::channel(0);
    let users = world.logins.passwords.as_ref().unwrap().users().clone();
    let following = tokio::spawn(async move { users.follow(told).await });
    let path = world.folder.path().join("users");
    std::fs::write(&path, "broken").unwrap();
    tell.send(1).unwrap();
    while world.logins.counts().broken_files == 0 {
        tokio::task::yield_now().await;
    }
    assert!(world.basic("bob", "U*U").await.is_ok());
    assert_eq!(world.logins.generation(), 0);
    std::fs::write(&path, ALICE).unwrap();
    tell.send(2).unwrap();
    while world.logins.generation() == 0 {
        tokio::task::yield_now().await;
    }
    assert!(is_refused(&world.basic("bob", "U*U").await));
    drop(tell);
    following.await.unwrap();
}

#[test]
fn a_required_role_is_any_of_the_list() {
    let with = |roles: &[&str]| {
        let roles = roles.iter().map(|role| Arc::from(*role)).collect();
        Identity { roles, ..Identity::new("alice", Proof::Password) }
    };
    let may = |required: Option<&[&str]>, roles: &[&str]| {
        let required = required.map(|roles| roles.iter().map(|role| role.to_string()).collect());
        let logins = Logins::new(Sources { required_roles: required, ..Sources::default() });
        logins.may_enter(&with(roles))
    };
    assert!(may(None, &[]));
    assert!(may(Some(&["**"]), &[]));
    assert!(may(Some(&["*"]), &["any"]) && !may(Some(&["*"]), &[]));
    assert!(may(Some(&["a", "b"]), &["c", "b"]) && !may(Some(&["a", "b"]), &["c"]));
    assert!(!may(Some(&[]), &["a"]));
}

#[test]
fn a_realm_cannot_break_its_header() {
    assert_eq!(quoted("a\"b\\c\r\nd é"), "\"a\\\"b\\\\cd \"");
}

#[test]
fn no_secret_is_printed() {
    let world = World::new();
    let directory = world.logins.passwords.as_ref().unwrap().users().current();
    let printed = format!("{directory:?}");
    assert!(!printed.contains("nf65") && !printed.contains("E5YP"), "{printed}");
}

/// Polls all of them at once.
async fn all<F: Future>(futures: Vec<std::pin::Pin<Box<F>>>) -> Vec<F::Output> {
    let mut running: Vec<Result<F::Output, _>> = futures.into_iter().map(Err).collect();
    std::future::poll_fn(move |context| {
        let mut is_ready = true;
        for place in &mut running {
            if let Err(future) = place {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(output) => *place = Ok(output),
                    std::task::Poll::Pending => is_ready = false,
                }
            }
        }
        match is_ready {
            false => std::task::Poll::Pending,
            true => {
                let ended = running.drain(..).filter_map(|place| place.ok());
                std::task::Poll::Ready(ended.collect())
            }
        }
    })
    .await
}
