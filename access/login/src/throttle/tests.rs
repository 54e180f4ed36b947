//! The laws of slowing.

use super::*;

struct World {
    throttle: Throttle,
    now: Instant,
}

impl World {
    fn new() -> World {
        World { throttle: Throttle::bounded(1_000), now: Instant::now() }
    }

    fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    fn admit(&mut self, user: &str, from: &str) -> Admission {
        let is_known = !user.starts_with("nobody");
        let from = Some(from.parse().unwrap());
        self.throttle.admit(Try { user, is_known, from }, self.now)
    }

    #[track_caller]
    fn ticket(&mut self, user: &str, from: &str) -> Ticket {
        match self.admit(user, from) {
            Admission::Granted(ticket) => ticket,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn ends(&mut self, user: &str, from: &str, outcome: Outcome) {
        let ticket = self.ticket(user, from);
        self.throttle.settle(ticket, outcome, self.now);
    }

    #[track_caller]
    fn fails(&mut self, user: &str, from: &str) {
        self.ends(user, from, Outcome::Failure);
    }

    /// The seconds that a try has to wait; 0 if none.
    #[track_caller]
    fn waits(&mut self, user: &str, from: &str) -> u64 {
        match self.admit(user, from) {
            Admission::Granted(ticket) => {
                self.throttle.settle(ticket, Outcome::Unchecked, self.now);
                0
            }
            Admission::Slowed(wait) => wait.as_secs(),
            Admission::Wait => panic!("another try is under way"),
        }
    }
}

const HOME: &str = "192.0.2.1";
const AWAY: &str = "198.51.100.1";

#[test]
fn after_five_failures_each_further_one_doubles_the_wait_up_to_a_minute() {
    for user in ["alice", "nobody"] {
        let mut world = World::new();
        for _ in 0..5 {
            assert_eq!(world.waits(user, HOME), 0);
            world.fails(user, HOME);
        }
        for wait in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            assert_eq!(world.waits(user, HOME), wait, "{user}");
            // from everywhere, and asking does not make it longer
            assert_eq!(world.waits(user, AWAY), wait, "{user}");
            world.pass(wait);
            world.fails(user, HOME);
        }
    }
}

#[test]
fn a_success_clears_the_users_failures() {
    let mut world = World::new();
    for _ in 0..5 {
        world.fails("alice", HOME);
    }
    world.pass(1);
    world.ends("alice", HOME, Outcome::Success);
    for _ in 0..5 {
        assert_eq!(world.waits("alice", HOME), 0);
        world.fails("alice", HOME);
    }
    assert_eq!(world.waits("alice", HOME), 1);
    assert_eq!(world.waits("alice", AWAY), 0);
}

#[test]
fn one_password_for_many_users_is_slowed_by_the_address_and_an_own_account_does_not_help() {
    let mut world = World::new();
    for user in 0..20 {
        assert_eq!(world.waits("mallory", AWAY), 0);
        world.ends("mallory", AWAY, Outcome::Success);
        world.fails(&format!("user-{user}"), AWAY);
    }
    assert_eq!(world.waits("one-more", AWAY), 1);
    assert_eq!(world.waits("nobody", AWAY), 1);
    assert_eq!(world.waits("one-more", HOME), 0);
    // who has logged in from there is not concerned
    assert_eq!(world.waits("mallory", AWAY), 0);
}

#[test]
fn nobody_is_kept_out_of_where_they_have_logged_in_lately() {
    let mut world = World::new();
    world.ends("alice", HOME, Outcome::Success);
    for _ in 0..30 {
        world.fails("alice", AWAY);
        world.pass(60);
    }
    world.fails("alice", AWAY);
    assert_eq!(world.waits("alice", AWAY), 60);
    assert_eq!(world.waits("alice", HOME), 0);
    // that is no way to guess from there
    for _ in 0..5 {
        world.fails("alice", HOME);
    }
    assert_eq!(world.waits("alice", HOME), 1);
    // a week later it is an address like any other
    world.pass(7 * 24 * 60 * 60 - 60);
    for _ in 0..5 {
        world.fails("alice", AWAY);
    }
    world.pass(60);
    assert_eq!(world.waits("alice", HOME), 0);
    world.fails("alice", AWAY);
    assert_eq!(world.waits("alice", HOME), 2);
}

#[test]
fn tries_at_the_same_time_are_no_more_than_tries_in_turn() {
    let mut world = World::new();
    let tickets: Vec<Ticket> = (0..5).map(|_| world.ticket("alice", HOME)).collect();
    assert!(matches!(world.admit("alice", HOME), Admission::Wait));
    let mut tickets = tickets.into_iter();
    let mut end = |world: &mut World, outcome| {
        world.throttle.settle(tickets.next().unwrap(), outcome, world.now);
    };
    end(&mut world, Outcome::Failure);
    assert!(matches!(world.admit("alice", HOME), Admission::Wait));
    // one that was not checked gives its place to another
    end(&mut world, Outcome::Unchecked);
    assert_eq!(world.waits("alice", HOME), 0);
    // and who has the right password lets all others in
    end(&mut world, Outcome::Success);
    assert_eq!(world.waits("alice", HOME), 0);
    end(&mut world, Outcome::Failure);
    end(&mut world, Outcome::Failure);
    assert_eq!(world.waits("alice", HOME), 0);
}

#[test]
fn beyond_the_free_failures_one_try_at_a_time_is_checked() {
    let mut world = World::new();
    for _ in 0..5 {
        world.fails("alice", HOME);
    }
    world.pass(1);
    let ticket = world.ticket("alice", HOME);
    assert!(matches!(world.admit("alice", AWAY), Admission::Wait));
    world.throttle.settle(ticket, Outcome::Failure, world.now);
    assert_eq!(world.waits("alice", AWAY), 2);
}

#[test]
fn failures_are_forgotten_after_a_quarter_of_an_hour() {
    let mut world = World::new();
    for _ in 0..5 {
        world.fails("alice", HOME);
        world.pass(14 * 60);
    }
    world.pass(60);
    for _ in 0..5 {
        assert_eq!(world.waits("alice", HOME), 0);
        world.fails("alice", HOME);
    }
    assert_eq!(world.waits("alice", HOME), 1);
}

#[test]
fn a_flood_of_unknown_names_pushes_out_no_users_count() {
    let mut world = World::new();
    for _ in 0..12 {
        world.fails("alice", HOME);
        world.pass(60);
    }
    world.fails("alice", HOME);
    for number in 0..10_000_u32 {
        let from = IpAddr::from((0x0a00_0000 + number).to_be_bytes()).to_string();
        world.fails(&format!("nobody-{number}"), &from);
    }
    assert_eq!(world.waits("alice", AWAY), 60);
    let tables = [&world.throttle.users, &world.throttle.strangers, &world.throttle.addresses];
    assert!(tables.iter().all(|table| table.len() <= 1_000));
}

#[test]
fn an_ipv6_network_is_one_address_and_a_mapped_address_is_its_ipv4() {
    let mut world = World::new();
    for number in 0..20 {
        world.fails(&format!("user-{number}"), &format!("2001:db8:1:2:{number}::1"));
    }
    assert_eq!(world.waits("alice", "2001:db8:1:2:ffff::9"), 1);
    assert_eq!(world.waits("alice", "2001:db8:1:3::1"), 0);
    for number in 0..20 {
        world.fails(&format!("other-{number}"), "::ffff:192.0.2.1");
    }
    assert_eq!(world.waits("alice", HOME), 1);
}

#[test]
fn a_try_without_an_address_is_counted_for_its_user() {
    let mut world = World::new();
    let attempt = Try { user: "alice", is_known: true, from: None };
    for _ in 0..5 {
        let Admission::Granted(ticket) = world.throttle.admit(attempt, world.now) else {
            panic!("it was not admitted");
        };
        world.throttle.settle(ticket, Outcome::Failure, world.now);
    }
    assert_eq!(world.waits("alice", HOME), 1);
}
