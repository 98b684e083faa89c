//! A disk that is full or read-only: no refresh is sent whose answer could not be kept.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use mock_server::{Endpoint, Fault, FaultRule};

use super::authorization_server::{AuthorizationServer, Journal, LIFE};
use super::figures::note;
use super::place::Place;
use super::worker::{Answer, Arguments, Worker};

const DISK: &str = "size=64k,mode=700";
/// What a file system in memory gives out.
const PAGE: u64 = 4096;

/// A worker whose records lie on a disk of its own, which nobody else sees.
struct OnADisk {
    worker: Worker,
    records: PathBuf,
}

#[test]
#[ignore = "needs unshare, nsenter and the right to mount; run by tests/run"]
fn a_full_disk_costs_no_token() {
    for kind in ["plain", "key-file"] {
        let place = Place::new();
        let server = AuthorizationServer::strict(&place);
        let mut disk = OnADisk::new(kind, &place, &server);
        let (mut refusals, mut successes) = (0, 0);
        for free_pages in 0..12 {
            server.expire(&place);
            disk.fill_up(free_pages);
            let (answer, seen) = disk.call(&server);
            if seen.refreshes == 0 {
                disk.assert_told(&answer, "store error", "free some space, then try again");
                assert_eq!(successes, 0, "with less space it was served");
                refusals += 1;
            } else {
                assert!(answer.is_served() && answer.warning().is_none(), "{free_pages} pages: {answer:?}");
                successes += 1;
            }
            disk.free();
            let (answer, _) = disk.call(&server);
            assert!(answer.is_served(), "{free_pages} pages, then more: {answer:?}");
            assert_eq!(answer.generation(), Some(2 + free_pages), "one refresh an expiry, and none is lost");
        }
        assert!(refusals > 1 && successes > 1, "{refusals} refused, {successes} served");
        let told = format!(
            "0 to 11 pages free: {refusals} refused before anything was sent, {successes} served; 0 tokens lost"
        );
        note(&format!("a full disk, {kind}"), &told);

        server.advance(&place, LIFE * 19 / 20);
        disk.fill_up(0);
        let (answer, seen) = disk.call(&server);
        assert!(answer.is_served(), "a token that lives is served: {answer:?}");
        disk.assert_told(&answer, "token", "free some space, then try again");
        assert_eq!(seen.refreshes, 0);
        assert_eq!(server.broken_rules(), Vec::<String>::new());
    }
}

#[test]
#[ignore = "needs unshare, nsenter and the right to mount; run by tests/run"]
fn a_disk_that_fills_up_during_a_refresh_has_the_space_set_aside() {
    const DELAY: Duration = Duration::from_secs(5);
    for kind in ["plain", "key-file"] {
        let place = Place::new();
        let server = AuthorizationServer::strict(&place);
        let mut disk = OnADisk::new(kind, &place, &server);
        server.expire(&place);
        let slow = Fault::Delay { at_least: DELAY, jitter: Duration::ZERO };
        let slow = server.fault(FaultRule::new(slow).endpoint(Endpoint::Token));
        disk.worker.tell("call");
        server.wait_for_refreshes(1);
        drop(slow);
        disk.fill_up(0);
        server.advance(&place, DELAY);
        let answer = disk.worker.answer();
        assert!(answer.is_served() && answer.warning().is_none(), "{kind}: {answer:?}");
        assert_eq!(disk.worker.ask("load").generation(), Some(2), "{kind}");
        assert_eq!((server.journal().refreshes, server.broken_rules()), (1, Vec::new()), "{kind}");
        note(&format!("a disk that fills up during the refresh, {kind}"), "0 tokens lost");
    }
}

#[test]
#[ignore = "needs unshare, nsenter and the right to mount; run by tests/run"]
fn a_disk_too_small_for_a_large_token_is_noticed_before_it_is_spent() {
    let place = Place::new();
    let server = AuthorizationServer::strict(&place);
    let mut disk = OnADisk::new("plain", &place, &server);
    let large = super::large_token::response();
    assert_eq!(disk.worker.ask(&format!("sign-in {large}")).outcome(), "record");
    server.expire(&place);
    let (answer, seen) = disk.call(&server);
    disk.assert_told(&answer, "store error", "free some space, then try again");
    assert_eq!(seen, Journal::default());
    assert_eq!(disk.worker.ask("load").number("access_token_length"), Some(super::large_token::LENGTH));
}

#[test]
#[ignore = "needs unshare, nsenter and the right to mount; run by tests/run"]
fn a_read_only_disk_costs_no_token() {
    for kind in ["plain", "key-file"] {
        let place = Place::new();
        let server = AuthorizationServer::strict(&place);
        let mut disk = OnADisk::new(kind, &place, &server);
        let next_step = "choose a directory that can be written to";

        disk.mount("remount,ro");
        server.advance(&place, LIFE * 19 / 20);
        let (answer, seen) = disk.call(&server);
        assert!(answer.is_served(), "a token that lives is served: {answer:?}");
        disk.assert_told(&answer, "token", next_step);
        assert_eq!(seen.refreshes, 0);

        server.expire(&place);
        let (answer, seen) = disk.call(&server);
        disk.assert_told(&answer, "store error", next_step);
        assert_eq!(seen, Journal::default());
        let answer = disk.worker.ask("delete");
        disk.assert_told(&answer, "store error", next_step);

        disk.mount("remount,rw");
        let (answer, seen) = disk.call(&server);
        assert!(answer.is_served() && answer.generation() == Some(2), "{answer:?}");
        assert_eq!(seen.refreshes, 1);
        note(&format!("a read-only disk, {kind}"), "0 refreshes sent, 0 tokens lost");
        assert_eq!(server.broken_rules(), Vec::<String>::new());
    }
}

impl OnADisk {
    /// Signed in.
    fn new(kind: &str, place: &Place, server: &AuthorizationServer) -> Self {
        let records = place.records();
        fs::create_dir(&records).expect("a place to mount at");
        let script = format!(r#"mount -t tmpfs -o {DISK} tmpfs "$0" && exec "$@""#);
        let records_name = records.display().to_string();
        let unshare =
            [vec!["unshare"], namespaces(), vec!["--", "sh", "-c", &script, &records_name]].concat();
        let arguments = Arguments::new(place.store(kind), server, place);
        let mut worker = Worker::start(&mut arguments.command_under(unshare));
        let signed_in = worker.ask(&format!("sign-in {}", server.sign_in()));
        assert_eq!(signed_in.outcome(), "record", "{signed_in:?}");
        assert!(place.names().is_empty(), "nothing is on our own disk");
        Self { worker, records }
    }

    fn call(&mut self, server: &AuthorizationServer) -> (Answer, Journal) {
        let before = server.journal();
        let answer = self.worker.ask("call");
        (answer, server.journal() - before)
    }

    #[track_caller]
    fn assert_told(&self, answer: &Answer, outcome: &str, next_step: &str) {
        let told = answer.warning().unwrap_or(answer.message());
        assert_eq!(answer.outcome(), outcome, "{answer:?}");
        let records = self.records.display().to_string();
        assert!(told.contains("file") && told.contains(&records) && told.ends_with(next_step), "{told}");
    }

    /// Leaves so many pages free.
    fn fill_up(&self, free_pages: u64) {
        let mut filling = File::create(self.filling()).expect("a file on the disk");
        let page = vec![0; usize::try_from(PAGE).expect("it is small")];
        let full = std::iter::repeat_with(|| filling.write_all(&page)).find_map(Result::err);
        assert_eq!(full.map(|error| error.kind()), Some(io::ErrorKind::StorageFull));
        let length = filling.metadata().expect("it is open").len();
        filling.set_len(length.saturating_sub(free_pages * PAGE)).expect("it is ours");
    }

    fn free(&self) {
        fs::remove_file(self.filling()).expect("it is there");
    }

    fn filling(&self) -> PathBuf {
        let root = format!("/proc/{}/root", self.worker.id());
        Path::new(&root).join(self.records.strip_prefix("/").expect("an absolute path")).join("filling")
    }

    fn mount(&self, options: &str) {
        let mut command = Command::new("nsenter");
        command.arg(format!("--target={}", self.worker.id())).args(namespaces_to_enter());
        command.args(["--", "mount", "-o", options]).arg(&self.records);
        let status = command.status().expect("nsenter starts");
        assert!(status.success(), "{command:?}: {status}");
    }
}

/// Who is not root may mount where it seems to be.
fn namespaces() -> Vec<&'static str> {
    if super::nobody::user() == 0 { vec!["--mount"] } else { vec!["--mount", "--user", "--map-root-user"] }
}

fn namespaces_to_enter() -> Vec<&'static str> {
    if super::nobody::user() == 0 {
        vec!["--mount"]
    } else {
        vec!["--mount", "--user", "--preserve-credentials"]
    }
}
