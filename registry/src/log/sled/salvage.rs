//! What is still sound in sled's file where sled cannot be trusted with it: found in its bytes, without sled,
//! which takes damage for the end, cuts the file there, or panics.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use weir_registry_core::RawRecord;

use super::chunk::{BODY_BYTES, Chunk, MAGIC, Whole};
use super::frame::{Digest, Link, Sound, digest};
use super::store::{self, End};

/// Bytes that are looked through at once.
const WINDOW_BYTES: usize = 1024 * 1024;

/// Ways of putting the chunks of one record together that are tried: of a record that was torn, another
/// may stand beside it.
const WAYS_MAX: usize = 64;

/// Chunks by what they are a part of, and in that by number.
type Found = BTreeMap<Whole, BTreeMap<u32, BTreeMap<Content, Place>>>;

/// Bytes and checksum of a chunk's body: sled leaves equal copies behind, of which one is enough.
type Content = (usize, u32);

/// Where a chunk's body is in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    at: u64,
    bytes: usize,
}

/// The sound records of a file. Of a file that somebody writes, some may be missing: sled moves them.
pub(super) struct Salvage {
    file: File,
    /// By offset.
    records: BTreeMap<u64, Vec<Place>>,
    texts: HashMap<Digest, Vec<Place>>,
    /// Whether no record is missing before the end that the witness knows, and none between those that were
    /// found behind it.
    pub(super) is_complete: bool,
    /// After the last of them that follows all before it.
    pub(super) whole_up_to: End,
    /// After the last of them.
    pub(super) end: End,
}

pub(super) struct Linked {
    pub(super) before: Link,
    pub(super) link: Link,
    pub(super) record: RawRecord,
}

/// A record that is sound, of which there may be several at one offset.
struct Candidate {
    offset: u64,
    before: Link,
    ends_append: bool,
    places: Vec<Place>,
}

impl Salvage {
    /// Looks through the file of a folder. `end` is what the witness says; records that follow it are found
    /// too. A file that is not there is empty.
    pub(super) fn of(folder: &Path, end: End) -> io::Result<Salvage> {
        let path = folder.join(store::FILE);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => File::open("/dev/null")?,
            Err(error) => return Err(error),
        };
        let (mut candidates, mut texts) = (HashMap::new(), HashMap::new());
        for (whole, chunks) in find(&file)? {
            for places in ways(&chunks) {
                let bytes = read(&file, &places)?;
                match whole {
                    Whole::Text(name) if digest(&bytes) == name => {
                        texts.insert(name, places);
                        break;
                    }
                    Whole::Text(_) => {}
                    Whole::Record(offset) => {
                        if let Some(sound) = Sound::new(offset, &bytes) {
                            let Sound { before, link, ends_append, .. } = sound;
                            let candidate = Candidate { offset, before, ends_append, places };
                            candidates.insert(link, candidate);
                        }
                    }
                }
            }
        }
        let mut salvage = Salvage {
            file,
            records: BTreeMap::new(),
            texts,
            is_complete: false,
            whole_up_to: End::OF_NOTHING,
            end: End::OF_NOTHING,
        };
        salvage.choose(candidates, end)?;
        Ok(salvage)
    }

    /// Takes what leads to the end that the witness knows and what follows it; before each gap, what leads to
    /// the last before the gap.
    fn choose(&mut self, candidates: HashMap<Link, Candidate>, end: End) -> io::Result<()> {
        let mut links = BTreeMap::new();
        let mut keep = |candidates: &HashMap<Link, Candidate>, from: Link, below: u64| {
            let (mut link, mut lowest) = (from, below);
            while let Some(candidate) = candidates.get(&link).filter(|c| c.offset < lowest) {
                links.insert(candidate.offset, link);
                (link, lowest) = (candidate.before, candidate.offset);
            }
            (link, lowest)
        };
        let last = follow(&candidates, end);
        let (mut link, mut lowest) = keep(&candidates, last.link, last.next_offset);
        self.is_complete = link == Link::FIRST;
        while link != Link::FIRST {
            let below = candidates.iter().filter(|(_, c)| c.offset < lowest);
            let Some((next, _)) = below.max_by_key(|(link, c)| (c.offset, **link)) else { break };
            (link, lowest) = keep(&candidates, *next, lowest);
        }
        let (mut at, mut appended, mut is_whole) = (End::OF_NOTHING, End::OF_NOTHING, true);
        for (offset, link) in links {
            let Some(candidate) = candidates.get(&link) else { continue };
            self.records.insert(offset, candidate.places.clone());
            if self.record(offset)?.is_none() {
                self.records.remove(&offset);
                // nobody was answered for an append of which a part is missing behind the witness's end
                if offset >= end.next_offset && is_whole {
                    self.records.split_off(&appended.next_offset);
                    (self.whole_up_to, self.end) = (appended, appended);
                    return Ok(());
                }
                self.is_complete = false;
                continue;
            }
            is_whole &= candidate.before == at.link;
            at = End { next_offset: offset + 1, link };
            if is_whole {
                self.whole_up_to = at;
            }
            if candidate.ends_append || offset < end.next_offset {
                appended = at;
            }
        }
        self.end = at;
        Ok(())
    }

    pub(super) fn count(&self) -> usize {
        self.records.len()
    }

    /// Hands on the sound records from an offset on, in order, each with its offset.
    pub(super) fn read(&self, from: u64, each: &mut dyn FnMut(u64, RawRecord)) -> io::Result<()> {
        for offset in self.records.range(from..).map(|(offset, _)| *offset) {
            let record = self.record(offset)?;
            let changed = || io::Error::other("the file has changed while it was read");
            each(offset, record.ok_or_else(changed)?);
        }
        Ok(())
    }

    /// Offsets of the records, ascending.
    pub(super) fn offsets(&self) -> impl Iterator<Item = u64> {
        self.records.keys().copied()
    }

    fn record(&self, offset: u64) -> io::Result<Option<RawRecord>> {
        Ok(self.linked(offset)?.map(|linked| linked.record))
    }

    /// A record and its place in the chain.
    pub(super) fn linked(&self, offset: u64) -> io::Result<Option<Linked>> {
        let Some(places) = self.records.get(&offset) else { return Ok(None) };
        let bytes = read(&self.file, places)?;
        let mut failed = None;
        let linked = Sound::new(offset, &bytes).and_then(|sound| {
            let record = sound.record(|name| {
                let text = self.texts.get(name).map(|places| read(&self.file, places))?;
                let text = text.map_err(|error| failed = Some(error)).ok();
                text.filter(|text| digest(text) == *name)
            })?;
            Some(Linked { before: sound.before, link: sound.link, record })
        });
        failed.map_or(Ok(linked), Err)
    }
}

/// The end after what follows an end: all of each append, or none.
fn follow(candidates: &HashMap<Link, Candidate>, end: End) -> End {
    let after: HashMap<Link, (Link, &Candidate)> =
        candidates.iter().map(|(link, candidate)| (candidate.before, (*link, candidate))).collect();
    let (mut at, mut appended) = (end, end);
    while let Some((link, next)) = after.get(&at.link).filter(|(_, c)| c.offset >= at.next_offset) {
        at = End { next_offset: next.offset + 1, link: *link };
        if next.ends_append {
            appended = at;
        }
    }
    appended
}

/// Finds all chunks.
fn find(file: &File) -> io::Result<Found> {
    let mut found = Found::new();
    let mut window = vec![0; WINDOW_BYTES + Chunk::BYTES_MAX];
    let finder = memchr::memmem::Finder::new(&MAGIC);
    let mut start = 0;
    loop {
        let length = read_up_to(file, &mut window, start)?;
        let window = &window[..length];
        for at in finder.find_iter(window).take_while(|at| *at < WINDOW_BYTES) {
            let Some(chunk) = Chunk::read(&window[at..]) else { continue };
            let body = chunk.body.as_ptr() as usize - window.as_ptr() as usize;
            let place = Place { at: start + body as u64, bytes: chunk.body.len() };
            let content = (place.bytes, crc32fast::hash(chunk.body));
            let copies = found.entry(chunk.of).or_default().entry(chunk.number).or_default();
            copies.entry(content).or_insert(place);
        }
        if length < WINDOW_BYTES + Chunk::BYTES_MAX {
            return Ok(found);
        }
        start += WINDOW_BYTES as u64;
    }
}

/// Ways of putting chunks together: one of each number, up to the first number that is not there, or to a
/// chunk that is not full, after which there may be chunks of a longer record at that offset.
fn ways(chunks: &BTreeMap<u32, BTreeMap<Content, Place>>) -> Vec<Vec<Place>> {
    let mut ways: Vec<Vec<Place>> = vec![Vec::new()];
    let mut ended = Vec::new();
    for (number, (of, places)) in (0..).zip(chunks) {
        if *of != number {
            break;
        }
        let longer = ways.iter().flat_map(|way| {
            places.values().map(move |place| way.iter().chain([place]).copied().collect())
        });
        let longer: Vec<Vec<Place>> = longer.take(WAYS_MAX).collect();
        let is_full = |way: &Vec<Place>| way.last().is_some_and(|last| last.bytes == BODY_BYTES);
        let (full, last): (Vec<_>, Vec<_>) = longer.into_iter().partition(is_full);
        ended.extend(last);
        ways = full;
    }
    ended.append(&mut ways);
    ended.retain(|way| !way.is_empty());
    ended
}

fn read(file: &File, places: &[Place]) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; places.iter().map(|place| place.bytes).sum()];
    let mut rest = &mut bytes[..];
    for place in places {
        let (body, after) = rest.split_at_mut(place.bytes);
        file.read_exact_at(body, place.at)?;
        rest = after;
    }
    Ok(bytes)
}

fn read_up_to(file: &File, bytes: &mut [u8], start: u64) -> io::Result<usize> {
    let mut length = 0;
    while length < bytes.len() {
        match file.read_at(&mut bytes[length..], start + length as u64) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}
