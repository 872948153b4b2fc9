use super::*;
use futures::FutureExt;

fn turns(max_running: usize, max_queued: usize) -> Turns {
    turns_on(max_running, max_queued, &watch::Sender::new(true))
}

fn turns_on(max_running: usize, max_queued: usize, writable: &watch::Sender<bool>) -> Turns {
    Turns::new(&config(max_running, max_queued), writable.subscribe())
}

fn config(max_running: usize, max_queued: usize) -> crate::config::TurnConfig {
    crate::config::TurnConfig {
        deadline: std::time::Duration::from_secs(1),
        lease: std::time::Duration::from_secs(1),
        max_running,
        max_at_work: 1_000,
        max_queued,
        max_wait: std::time::Duration::from_secs(1),
        max_agents: 1,
        files_bytes: 1,
        context_messages: 0,
    }
}

fn whose(tenant: &str, user: &str) -> Whose {
    Whose { tenant: tenant.parse().unwrap(), user: user.parse().unwrap() }
}

fn is_running(place: &mut std::pin::Pin<Box<impl Future<Output = Place>>>) -> Option<Place> {
    place.as_mut().now_or_never()
}

#[tokio::test]
async fn a_tenant_that_fills_its_share_does_not_keep_another_one_waiting() {
    let turns = turns(256, 2_048);
    let places: Vec<_> =
        (0..290).map(|i| turns.reserve(whose("greedy", &format!("u{}", i % 10))).unwrap()).collect();
    let mut waiting: Vec<_> = places.into_iter().map(|place| Box::pin(place.wait())).collect();
    let running: Vec<_> = waiting.iter_mut().filter_map(is_running).collect();
    assert!((100..200).contains(&running.len()), "{}", running.len());
    let other = turns.reserve(whose("other", "ann")).unwrap();
    let other = other.wait().now_or_never();
    assert!(other.is_some(), "another tenant's turn begins at once");
    let newcomer = turns.reserve(whose("greedy", "newcomer")).unwrap();
    assert!(newcomer.wait().now_or_never().is_some(), "and so does another user's of the same tenant");
}

#[tokio::test]
async fn who_waits_is_served_in_turn_by_tenant_and_user_and_each_in_its_order() {
    let turns = turns(1, 100);
    let first = turns.reserve(whose("a", "ann")).unwrap().wait().now_or_never().unwrap();
    let users = [("a", "ann"), ("a", "ann"), ("a", "ann"), ("a", "bob"), ("b", "cid"), ("b", "cid")];
    let mut waiting: Vec<_> = users
        .iter()
        .map(|(tenant, user)| Box::pin(turns.reserve(whose(tenant, user)).unwrap().wait()))
        .collect();
    assert!(waiting.iter_mut().all(|place| is_running(place).is_none()));
    let (mut order, mut running) = (Vec::new(), Some(first));
    while order.len() < users.len() {
        drop(running.take());
        for (i, place) in
            waiting.iter_mut().enumerate().filter(|(i, _)| !order.contains(i)).collect::<Vec<_>>()
        {
            if let Some(place) = is_running(place) {
                order.push(i);
                running = Some(place);
                break;
            }
        }
    }
    assert_eq!(order, [0, 4, 3, 5, 1, 2]);
}

#[tokio::test]
async fn a_turn_that_an_agent_keeps_waiting_makes_room_and_the_last_one_is_for_who_has_none() {
    let few = crate::config::TurnConfig { max_at_work: 3, ..config(100, 100) };
    let turns = Turns::new(&few, watch::Sender::new(true).subscribe());
    let mut waiting: Vec<_> =
        (0..4).map(|_| Box::pin(turns.reserve(whose("a", "ann")).unwrap().wait())).collect();
    let mut running: Vec<_> = waiting.iter_mut().filter_map(is_running).collect();
    assert_eq!(running.len(), 2);
    let other = turns.reserve(whose("b", "bob")).unwrap().wait().now_or_never();
    assert!(other.is_some(), "it has none");
    drop(other);
    let mut rest = waiting.split_off(2);
    let hand = running[0].hand();
    let out = hand.out();
    running.extend(rest.iter_mut().filter_map(is_running));
    assert_eq!(running.len(), 3, "one is out");
    drop(out);
    assert!(
        rest.pop().and_then(|mut last| is_running(&mut last)).is_none(),
        "it is back, and more than it may be"
    );
}

#[tokio::test]
async fn who_leaves_while_waiting_takes_nothing_along() {
    let turns = turns(1, 10);
    let first = turns.reserve(whose("a", "ann")).unwrap().wait().now_or_never().unwrap();
    let mut gone = Box::pin(turns.reserve(whose("b", "bob")).unwrap().wait());
    assert!(is_running(&mut gone).is_none());
    let mut served = Box::pin(turns.reserve(whose("c", "cid")).unwrap().wait());
    assert!(is_running(&mut served).is_none());
    drop(gone);
    drop(first);
    // It has been served and has not looked yet.
    drop(served);
    assert!(turns.idle().now_or_never().is_some(), "nothing is held");
    assert!(turns.reserve(whose("d", "dan")).unwrap().wait().now_or_never().is_some());
}

#[tokio::test]
async fn what_was_accepted_elsewhere_is_taken_in_and_waits_like_the_others() {
    let turns = turns(1, 1);
    let running = turns.reserve(whose("a", "ann")).unwrap().wait().now_or_never().unwrap();
    let mut taken: Vec<_> = (0..5).map(|_| Box::pin(turns.take_in(whose("b", "bob")).wait())).collect();
    assert!(taken.iter_mut().all(|place| is_running(place).is_none()));
    assert_eq!((turns.hold(9).count(), turns.reserve(whose("c", "cid")).err()), (0, Some(Full::All)));
    drop(running);
    let running: Vec<_> = taken.iter_mut().filter_map(is_running).collect();
    assert_eq!(running.len(), 1, "the others wait on");
}

#[tokio::test(start_paused = true)]
async fn what_would_wait_for_too_long_is_refused_by_whose_it_is() {
    let turns = turns(1_000, 1_000);
    let mut running: VecDeque<_> = (0..100)
        .map(|i| turns.reserve(whose("busy", &format!("u{}", i % 50))).unwrap())
        .map(|place| place.wait().now_or_never().unwrap())
        .collect();
    // Twenty come to their end in a second, and as many come.
    for _ in 0..100 {
        tokio::time::advance(std::time::Duration::from_millis(50)).await;
        running.pop_front();
        running.push_back(turns.take_in(whose("busy", "u1")).wait().now_or_never().unwrap());
    }
    assert_eq!(turns.reserve(whose("busy", "u1")).err(), Some(Full::All), "a hundred wait for five seconds");
    let ms = |user: &str| turns.next_in(&whose("busy", user)).map(|time| time.as_millis());
    assert_eq!(ms("u1"), Some(50), "all are of one, and the next of them is over then");
    assert_eq!(ms("new"), Some(100), "it would be served after one of the other's");
    let appointed: Vec<_> =
        (0..3).map(|_| turns.appoint(&whose("busy", "u1")).unwrap().as_millis()).collect();
    assert_eq!(appointed, [50, 100, 150], "one after another");
    assert_eq!(turns.appoint(&whose("busy", "u1")).unwrap().as_millis(), 150, "but none much later");
    assert!(turns.reserve(whose("other", "ann")).is_ok(), "they are served in turn, and it has none");
    assert_eq!(turns.next_in(&whose("other", "ann")), None, "and would find a place now");
    let ones: Vec<_> = (0..20).map(|i| turns.take_in(whose("busy", &format!("w{i}")))).collect();
    assert_eq!(ms("w7"), Some(1_050), "one of each of them is served before its own is over");
    let other = turns.take_in(whose("other", "ann"));
    assert_eq!(
        turns.next_in(&whose("other", "ann")),
        None,
        "what it has is served next, however long the line is"
    );
    drop(other);
    drop(ones);
    running.truncate(20);
    assert_eq!(
        turns.reserve(whose("busy", "new")).err(),
        Some(Full::Tenant),
        "twenty of thirty-two are its own"
    );
    assert!(turns.reserve(whose("other", "ann")).is_ok());
    // Whoever waits for an agent waits for no place.
    let hands: Vec<_> = running.iter().map(Place::hand).collect();
    let out: Vec<_> = hands.iter().map(Hand::out).collect();
    assert_eq!(ms("u1"), None, "the line is short");
    assert!(turns.reserve(whose("busy", "new")).is_ok());
    drop(out);
    assert_eq!(turns.reserve(whose("busy", "new")).err(), Some(Full::Tenant));
    tokio::time::advance(std::time::Duration::from_secs(60)).await;
    assert!(turns.reserve(whose("busy", "new")).is_ok(), "what made it slow is over, for all that is known");
}

#[tokio::test(start_paused = true)]
async fn without_a_database_to_write_to_nobody_is_taken_for_slow() {
    let writable = watch::Sender::new(false);
    let turns = turns_on(1_000, 1_000, &writable);
    let mut running: VecDeque<_> = (0..40)
        .map(|_| turns.reserve(whose("busy", "ann")).unwrap())
        .map(|place| place.wait().now_or_never().unwrap())
        .collect();
    for _ in 0..10 {
        tokio::time::advance(std::time::Duration::from_millis(400)).await;
        running.pop_front();
    }
    writable.send_replace(true);
    assert!(turns.reserve(whose("busy", "ann")).is_ok(), "a few that ended in an outage measure nothing");
    for _ in 0..40 {
        tokio::time::advance(std::time::Duration::from_millis(400)).await;
        running.pop_front();
        running.push_back(turns.take_in(whose("busy", "ann")).wait().now_or_never().unwrap());
    }
    assert!(turns.reserve(whose("busy", "ann")).is_err(), "and as slow as that long after it is slow");
    writable.send_replace(false);
    assert!(turns.reserve(whose("busy", "ann")).is_ok(), "whoever waits for a writer has a queue of its own");
}

#[tokio::test]
async fn places_for_what_is_still_to_be_found_are_kept_and_given_back() {
    let turns = turns(1, 3);
    let held = turns.hold(9);
    assert_eq!((held.count(), turns.reserve(whose("a", "ann")).err()), (4, Some(Full::All)));
    drop(held);
    assert!(turns.reserve(whose("a", "ann")).is_ok() && turns.idle().now_or_never().is_some());
}

#[tokio::test]
async fn a_later_attempt_at_a_turn_ends_the_earlier_one_and_is_not_forgotten_with_it() {
    let (turns, turn) = (turns(1, 1), TurnId::new());
    let first = turns.watch((turn, 1));
    let second = turns.watch((turn, 2));
    assert!(first.lost.is_cancelled() && !second.lost.is_cancelled());
    turns.forget((turn, 1));
    turns.lose((turn, 1));
    turns.cancel(turn);
    assert!(second.canceled.is_cancelled() && !second.lost.is_cancelled());
    turns.forget((turn, 2));
    assert!(turns.known().is_empty());
}
