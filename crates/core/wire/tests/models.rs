//! TLV lists, cells and SIG fragments against models that are simpler than the code: lists of plain values, interpreted
//! by the sentences of PROTOCOL §4.1, §4.3, §5.1 and Appendix D.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{cell::Cell as Count, collections::BTreeMap};

use proptest::{collection::vec, prelude::*, sample::Index, test_runner::TestRunner};
use sotto_wire::{
    Cell, CellType, Reassembler, SigFragments,
    tlv::{Tag, TlvList, push},
};

/// Tries many inputs and counts what became of them, so that a generator that makes only one kind is noticed.
fn judged<S: Strategy>(cases: u32, inputs: &S, check: impl Fn(S::Value) -> Result<bool, TestCaseError>) {
    let (accepted, refused) = (Count::new(0), Count::new(0));
    TestRunner::new(ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() })
        .run(inputs, |input| {
            let count = if check(input)? { &accepted } else { &refused };
            count.set(count.get() + 1);
            Ok(())
        })
        .unwrap();
    let least = cases / 10;
    assert!(accepted.get() > least && refused.get() > least, "{} accepted, {} refused", accepted.get(), refused.get());
}

// ---- TLV

/// The tags of PROTOCOL §4.3 with their lengths.
const KNOWN: [(u8, usize, Tag); 8] = [
    (0x01, 32, Tag::Commit),
    (0x03, 2, Tag::VersionRange),
    (0x11, 32, Tag::NonceR),
    (0x12, 32, Tag::NonceI),
    (0x14, 32, Tag::ContTags),
    (0x15, 17, Tag::ContMatch),
    (0x16, 16, Tag::ResumeTag),
    (0x17, 1, Tag::Status),
];

/// One element, with the length that it states.
type Element = (u8, u16, Vec<u8>);

/// What a list says, or `None` where it must be refused: elements are read until tag 0 or the end of the data, then the
/// sentences are applied one by one.
fn tlv_model(bytes: &[u8]) -> Option<BTreeMap<u8, Vec<u8>>> {
    let mut elements: Vec<(u8, Vec<u8>)> = Vec::new();
    let mut at = 0;
    while at < bytes.len() && bytes[at] != 0 {
        let len = usize::from(*bytes.get(at + 1)?) * 256 + usize::from(*bytes.get(at + 2)?);
        elements.push((bytes[at], bytes.get(at + 3..at + 3 + len)?.to_vec()));
        at += 3 + len;
    }
    // "tag 0 ends the list and the rest MUST be zero"
    let ends_well = bytes[at..].iter().all(|&byte| byte == 0);
    // "unknown tags are ignored", however often they come
    elements.retain(|(tag, _)| KNOWN.iter().any(|(known, ..)| known == tag));
    // "a wrong length"
    let fits =
        elements.iter().all(|(tag, value)| KNOWN.iter().any(|&(known, len, _)| (known, len) == (*tag, value.len())));
    // "a duplicate known tag"
    let count = elements.len();
    let values: BTreeMap<u8, Vec<u8>> = elements.into_iter().collect();
    (ends_well && fits && values.len() == count).then_some(values)
}

fn element() -> impl Strategy<Value = Element> {
    let known = (any::<Index>(), vec(any::<u8>(), 32)).prop_map(|(of, mut value)| {
        let (tag, len, _) = KNOWN[of.index(KNOWN.len())];
        value.truncate(len);
        (tag, len as u16, value)
    });
    let unknown = (1..=255_u8, vec(any::<u8>(), 0..40)).prop_map(|(tag, value)| (tag, value.len() as u16, value));
    // Tag 0 in the middle, a length that is not the value's, a known tag with another length.
    let bent = (any::<Index>(), 0..40_u16, vec(any::<u8>(), 0..40)).prop_map(|(of, len, value)| {
        let tags = [0, 0x01, 0x03, 0x15, 0x16, 0x17, 0x42];
        (tags[of.index(tags.len())], len, value)
    });
    prop_oneof![30 => known, 6 => unknown, 1 => bent]
}

fn tlv_bytes() -> impl Strategy<Value = Vec<u8>> {
    let padding = prop_oneof![4 => vec(Just(0_u8), 0..12), 1 => vec(0..2_u8, 0..12)];
    let cut = prop_oneof![5 => Just(None), 1 => any::<Index>().prop_map(Some)];
    let again = prop_oneof![6 => Just(false), 1 => Just(true)];
    (vec(element(), 0..5), again, padding, cut).prop_map(|(mut elements, again, padding, cut)| {
        if again {
            elements.extend(elements.first().cloned());
        }
        let mut bytes = Vec::new();
        for (tag, len, value) in elements {
            bytes.push(tag);
            bytes.extend(len.to_be_bytes());
            bytes.extend(value);
        }
        bytes.extend(padding);
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len() + 1));
        }
        bytes
    })
}

#[test]
fn tlv_lists_say_what_the_naive_reading_says() {
    judged(4_000, &tlv_bytes(), |bytes| {
        let (parsed, model) = (TlvList::parse(&bytes), tlv_model(&bytes));
        prop_assert_eq!(parsed.is_ok(), model.is_some(), "{:02x?}: {:?}", bytes, parsed.err());
        let (Ok(parsed), Some(model)) = (parsed, model) else { return Ok(false) };
        for (tag, len, name) in KNOWN {
            prop_assert_eq!(parsed.get(name), model.get(&tag).map(Vec::as_slice));
            prop_assert_eq!(name.value_len(), len);
        }
        prop_assert_eq!(parsed.require::<2>(Tag::VersionRange).is_ok(), model.contains_key(&0x03));
        prop_assert!(parsed.require::<3>(Tag::VersionRange).is_err());
        Ok(true)
    });
}

proptest! {
    #[test]
    fn tlv_lists_are_written_as_the_naive_writing_does(
        chosen in vec((any::<Index>(), vec(any::<u8>(), 32)), 0..6),
    ) {
        let (mut list, mut naive) = (Vec::new(), Vec::new());
        for (of, value) in &chosen {
            let (tag, len, name) = KNOWN[of.index(KNOWN.len())];
            push(&mut list, name, &value[..len]);
            naive.push(vec![tag, 0, len as u8]);
            naive.push(value[..len].to_vec());
        }
        prop_assert_eq!(list, naive.concat());
    }
}

// ---- Cells

/// 4096 bytes, most of them zero: a type, some content at the front, and perhaps one byte somewhere.
fn cell_bytes() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        6 => prop_oneof![Just(0x01_u8), Just(0x02), Just(0x21), Just(0x7E)],
        2 => prop_oneof![Just(0x11_u8), Just(0x12), Just(0x13), Just(0x20)],
        1 => any::<u8>(),
    ];
    let front = prop_oneof![2 => Just(0), 2 => Just(8_usize), 3 => Just(32), 1 => 0..40_usize];
    let stray = prop_oneof![3 => Just(None), 1 => (4..4096_usize, 1..=255_u8).prop_map(Some)];
    (first, any::<[u8; 3]>(), front, vec(any::<u8>(), 40), stray).prop_map(|(first, header, len, front, stray)| {
        let mut bytes = vec![0; 4096];
        bytes[0] = first;
        bytes[1..4].copy_from_slice(&header);
        bytes[4..4 + len].copy_from_slice(&front[..len]);
        if let Some((at, byte)) = stray {
            bytes[at] = byte;
        }
        bytes
    })
}

#[test]
fn cells_say_what_their_plain_bytes_say() {
    judged(4_000, &cell_bytes(), |bytes| {
        let cell = Cell::from_bytes(&bytes).unwrap();
        let zero_from = |at: usize| bytes[at..].iter().all(|&byte| byte == 0);
        prop_assert_eq!(&cell.as_bytes()[..], &bytes[..]);
        prop_assert_eq!((&cell.header()[..], &cell.body()[..]), bytes.split_at(4));
        prop_assert_eq!(&[cell.version(), cell.suite(), cell.vr()][..], &bytes[1..4]);
        let known = [0x01, 0x02, 0x11, 0x12, 0x13, 0x20, 0x21, 0x7E].contains(&bytes[0]);
        prop_assert_eq!(cell.cell_type().map(|known| known as u8), known.then_some(bytes[0]));

        let share: Option<[u8; 32]> =
            (matches!(bytes[0], 0x01 | 0x02) && zero_from(36)).then(|| bytes[4..36].try_into().unwrap());
        prop_assert_eq!(cell.pa_share().ok(), share);
        let next =
            (bytes[0] == 0x21 && zero_from(12)).then(|| bytes[4..12].iter().fold(0, |n, b| n << 8 | u64::from(*b)));
        prop_assert_eq!(cell.sync_next_expected().ok(), next);
        let empty = bytes[0] == 0x7E && zero_from(4);
        prop_assert_eq!(cell.check_reject().is_ok(), empty);
        Ok(share.is_some() || next.is_some() || empty)
    });
}

proptest! {
    #[test]
    fn cells_have_one_length(len in prop_oneof![4094..4099_usize, 0..9_000_usize]) {
        prop_assert_eq!(Cell::from_bytes(&vec![7; len]).is_ok(), len == 4096);
    }

    #[test]
    fn cells_are_written_as_their_parts_in_a_row(
        version in any::<u8>(), vr in any::<u8>(), share in any::<[u8; 32]>(), next in any::<u64>(), fill in any::<u8>(),
    ) {
        let row = |first: [u8; 4], front: &[u8]| [&first, front, &vec![0; 4092 - front.len()]].concat();
        prop_assert_eq!(Cell::pa1(version, vr, &share).as_bytes().to_vec(), row([0x01, version, 1, vr], &share));
        prop_assert_eq!(Cell::pa2(version, &share).as_bytes().to_vec(), row([0x02, version, 1, 0], &share));
        prop_assert_eq!(Cell::sync(version, next).as_bytes().to_vec(), row([0x21, version, 1, 0], &next.to_be_bytes()));
        prop_assert_eq!(Cell::reject(version, vr).as_bytes().to_vec(), row([0x7E, version, 1, vr], &[]));
        let cell = Cell::new(CellType::Hs2, version, vr, &[fill; 4092]);
        prop_assert_eq!(cell.as_bytes().to_vec(), row([0x12, version, 1, vr], &[fill; 4092]));
    }
}

// ---- SIG fragments

/// All records of a message: its bytes in pieces of 4061, one empty piece if there are none.
fn cut(id: u16, mtype: u8, data: &[u8]) -> Vec<Vec<u8>> {
    let mut pieces: Vec<&[u8]> = data.chunks(4061).collect();
    if pieces.is_empty() {
        pieces.push(&[]);
    }
    let count = pieces.len() as u8;
    let record = |(n, piece): (usize, &&[u8])| {
        let mut record = vec![mtype, (id >> 8) as u8, id as u8, n as u8, count];
        record.extend((piece.len() as u16).to_be_bytes());
        record.extend(*piece);
        record.resize(4068, 0);
        record
    };
    pieces.iter().enumerate().map(record).collect()
}

/// The records that were taken of the running message, and how many messages there were.
#[derive(Default)]
struct Taken {
    messages: u16,
    records: Vec<Vec<u8>>,
}

impl Taken {
    /// A record is in order where the records so far and it are the beginning of what cutting some message gives.
    fn take(&mut self, record: &[u8]) -> Result<Option<(u8, Vec<u8>)>, ()> {
        let data_of = |record: &[u8]| -> Option<Vec<u8>> {
            let len = usize::from(*record.get(5)?) * 256 + usize::from(*record.get(6)?);
            Some(record.get(7..7 + len)?.to_vec())
        };
        let records: Vec<&[u8]> = self.records.iter().map(Vec::as_slice).chain([record]).collect();
        let data: Option<Vec<Vec<u8>>> = records.iter().map(|record| data_of(record)).collect();
        let data = data.ok_or(())?.concat();
        let (mtype, count) = (record[0], usize::from(record[4]));
        let missing = count.checked_sub(records.len()).filter(|_| count <= 4).ok_or(())?;
        // Whatever is still to come: full pieces, then one byte.
        let whole = match missing {
            0 => data.clone(),
            more => [data.clone(), vec![9; (more - 1) * 4061 + 1]].concat(),
        };
        let expected = cut(self.messages, mtype, &whole);
        if expected.len() != count || expected.iter().zip(&records).any(|(expected, record)| expected != record) {
            return Err(());
        }
        if missing > 0 {
            self.records.push(record.to_vec());
            return Ok(None);
        }
        self.records.clear();
        self.messages += 1;
        Ok(Some((mtype, data)))
    }
}

/// Lengths around the edges of a record.
fn message() -> impl Strategy<Value = (u8, usize)> {
    let len = prop_oneof![
        3 => 0..300_usize,
        2 => (1..=4_usize, 0..3_usize).prop_map(|(full, more)| full * 4061 + more - 1),
        1 => 0..=16_244_usize,
    ];
    (any::<u8>(), len.prop_map(|len| len.min(16_244)))
}

#[derive(Clone, Debug)]
enum Bend {
    Set(usize, u8),
    Cut(usize),
    Longer,
    /// The same record without any data.
    Hollow,
    Again,
    Skip,
}

fn bend() -> impl Strategy<Value = Option<Bend>> {
    prop_oneof![
        12 => Just(None),
        2 => (0..7_usize, 0..6_u8).prop_map(|(at, byte)| Some(Bend::Set(at, byte))),
        1 => (0..4068_usize, any::<u8>()).prop_map(|(at, byte)| Some(Bend::Set(at, byte))),
        1 => prop_oneof![0..9_usize, Just(4067_usize)].prop_map(|len| Some(Bend::Cut(len))),
        1 => Just(Some(Bend::Longer)),
        2 => Just(Some(Bend::Hollow)),
        2 => Just(Some(Bend::Again)),
        2 => Just(Some(Bend::Skip)),
    ]
}

#[test]
fn fragments_are_taken_where_they_begin_some_message() {
    let inputs = (vec(message(), 1..5), vec(bend(), 20), any::<bool>());
    judged(1_500, &inputs, |(messages, bends, clean)| {
        let mut bends = bends.into_iter().map(|bend| bend.filter(|_| !clean));
        let (mut reassembler, mut model, mut all) = (Reassembler::new(), Taken::default(), true);
        for (id, (mtype, len)) in (0..).zip(messages) {
            let data: Vec<u8> = (0..len).map(|n| (n % 251) as u8 + 1).collect();
            let records: Vec<Vec<u8>> =
                SigFragments::from_parts(id, mtype, data.clone()).unwrap().map(|record| record.to_vec()).collect();
            prop_assert_eq!(&records, &cut(id, mtype, &data));
            for record in records {
                // What is bent comes before the good one, as a peer that tries something would send it.
                let sent = match bends.next().flatten() {
                    None => vec![record],
                    Some(Bend::Set(at, byte)) => {
                        let mut bent = record.clone();
                        bent[at] = byte;
                        vec![bent, record]
                    }
                    Some(Bend::Cut(len)) => vec![record[..len].to_vec(), record],
                    Some(Bend::Longer) => vec![[&record[..], &[0]].concat(), record],
                    Some(Bend::Hollow) => vec![[&record[..5], &[0; 4063]].concat(), record],
                    Some(Bend::Again) => vec![record.clone(), record],
                    Some(Bend::Skip) => vec![],
                };
                for record in sent {
                    let before = reassembler.clone();
                    let (got, expected) = (reassembler.push(&record), model.take(&record));
                    prop_assert_eq!(
                        got.clone().map_err(|_| ()),
                        expected,
                        "{:?} {:?}",
                        got,
                        &record[..record.len().min(7)]
                    );
                    if got.is_err() {
                        all = false;
                        prop_assert_eq!(&reassembler, &before, "a refused record changed something");
                    }
                }
            }
        }
        Ok(all)
    });
}

#[test]
fn a_message_has_at_most_four_records() {
    assert_eq!(SigFragments::from_parts(0, 1, vec![1; 16_244]).unwrap().len(), 4);
    assert!(SigFragments::from_parts(0, 1, vec![1; 16_245]).is_err());
}
