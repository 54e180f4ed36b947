//! Requests of any API and version, made of arbitrary bytes.
//!
//! The decoder itself says what a request is made of: [`Inventor`] gives it a value for each read,
//! and keeps the bytes. What it has been given is a well-formed request.

use std::ops::Range;

use bytes::{Buf, BufMut, Bytes, BytesMut, TryGetError};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::buf::{ByteBuf, NotEnoughBytesError};
use kafka_protocol::protocol::{Decodable, HeaderVersion, Request};

/// Reads of one request; a request that wants more is given up.
const READS_MAX: usize = 400;

/// A batch of one record, as producers send it: of no producer, and of producer 0 in a transaction.
const BATCHES: [&[u8]; 2] = [
    b"\0\0\0\0\0\0\0\0\0\0\0\x39\xff\xff\xff\xff\x02\xe9\x33\xd2t\0\0\0\0\0\0\0\0\0\xe8\xd4\xa5\x10\0\0\0\0\xe8\xd4\xa5\x10\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\x01\x0e\0\0\0\x01\x02a\0",
    b"\0\0\0\0\0\0\0\0\0\0\0\x39\xff\xff\xff\xff\x02\xf9\x13a\xca\0\x10\0\0\0\0\0\0\0\xe8\xd4\xa5\x10\0\0\0\0\xe8\xd4\xa5\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x0e\0\0\0\x01\x02a\0",
];
const BATCH_BYTES: usize = 69;

/// What names have of each length: topics, groups and configs that a request may meet again.
const NAMES: [&str; 16] = [
    "",
    "t",
    "t2",
    "abc",
    "1234",
    "range",
    "seven!",
    "./..%/0",
    "consumer",
    "flush.ms\0",
    "__internal",
    "User:alice*",
    "retention.ms",
    "segment.bytes",
    "cleanup.policy",
    "nonsense-names!",
];

struct Inventor<'a> {
    choices: &'a [u8],
    written: BytesMut,
    reads: usize,
    /// Flexible versions have no counts of fixed length, so that numbers may be anything.
    is_flexible: bool,
}

impl Inventor<'_> {
    fn choice(&mut self) -> Result<u8, TryGetError> {
        self.reads += 1;
        if self.reads > READS_MAX {
            return Err(TryGetError { requested: 1, available: 0 });
        }
        // once the choices are used up, others follow from how many there were
        let next = self.reads.wrapping_mul(0x9e37_79b9) >> 7;
        Ok(self.choices.split_off_first().copied().unwrap_or(next.to_le_bytes()[0]))
    }

    fn number(&mut self) -> Result<i64, TryGetError> {
        Ok(match self.choice()? % 24 {
            0 => i64::MAX,
            1 => i64::MIN,
            2 => i64::from(i32::MAX),
            3 => -1,
            4 => -2,
            5 => 1_000_000_000_000,
            6 => 30_000,
            small => i64::from(small) - 7,
        })
    }
}

impl Buf for Inventor<'_> {
    fn remaining(&self) -> usize {
        usize::MAX
    }

    fn chunk(&self) -> &[u8] {
        &[]
    }

    fn advance(&mut self, _count: usize) {}

    fn try_get_u8(&mut self) -> Result<u8, TryGetError> {
        let value = match self.choice()? % 32 {
            31 => u8::try_from(BATCH_BYTES + 1).unwrap_or_default(),
            0..=9 => 0,
            10..=19 => 1,
            20..=25 => 2,
            length => length - 22,
        };
        self.written.put_u8(value);
        Ok(value)
    }

    fn try_get_i8(&mut self) -> Result<i8, TryGetError> {
        let value = (self.choice()? % 20).cast_signed() - 2;
        self.written.put_i8(value);
        Ok(value)
    }

    fn try_get_i16(&mut self) -> Result<i16, TryGetError> {
        let value = match self.choice()? % 20 {
            0 => -1,
            value => i16::from(value) - 1,
        };
        self.written.put_i16(value);
        Ok(value)
    }

    fn try_get_i32(&mut self) -> Result<i32, TryGetError> {
        let value = match self.is_flexible {
            true => i32::try_from(self.number()?).unwrap_or(i32::MIN),
            false => match self.choice()? % 20 {
                19 => i32::try_from(BATCH_BYTES).unwrap_or_default(),
                0 => -1,
                value => i32::from(value % 4),
            },
        };
        self.written.put_i32(value);
        Ok(value)
    }

    fn try_get_i64(&mut self) -> Result<i64, TryGetError> {
        let value = self.number()?;
        self.written.put_i64(value);
        Ok(value)
    }

    fn try_copy_to_slice(&mut self, into: &mut [u8]) -> Result<(), TryGetError> {
        into.fill(self.choice()? % 3);
        self.written.put_slice(into);
        Ok(())
    }
}

impl ByteBuf for Inventor<'_> {
    fn peek_bytes(&mut self, _range: Range<usize>) -> Bytes {
        Bytes::new()
    }

    fn get_bytes(&mut self, size: usize) -> Bytes {
        let bytes = match NAMES.get(size) {
            Some(name) => Bytes::from_static(&name.as_bytes()[..size.min(name.len())]),
            None if size == BATCH_BYTES => {
                let which = self.choice().unwrap_or_default() % 2;
                Bytes::from_static(BATCHES[usize::from(which)])
            }
            None => Bytes::new(),
        };
        let mut whole = BytesMut::from(bytes.as_ref());
        whole.resize(size, b'x');
        self.written.put_slice(&whole);
        whole.freeze()
    }

    fn try_get_bytes(&mut self, size: usize) -> Result<Bytes, NotEnoughBytesError> {
        if size > 1000 { Err(NotEnoughBytesError) } else { Ok(self.get_bytes(size)) }
    }
}

fn invented<R: Request>(version: i16, choices: &[u8]) -> Option<Bytes> {
    let is_flexible = <R as HeaderVersion>::header_version(version) >= 2;
    let mut inventor = Inventor { choices, written: BytesMut::new(), reads: 0, is_flexible };
    <R as Decodable>::decode(&mut inventor, version).ok()?;
    Some(inventor.written.freeze())
}

macro_rules! requests {
    ($($request:ident,)*) => {
        /// A body of this API and version. `None` if the choices lead to nothing.
        pub fn body(key: i16, version: i16, choices: &[u8]) -> Option<Bytes> {
            $(if key == <$request as Request>::KEY {
                return invented::<$request>(version, choices);
            })*
            None
        }
    };
}

requests! {
    ProduceRequest, FetchRequest, ListOffsetsRequest, MetadataRequest, OffsetCommitRequest,
    OffsetFetchRequest, FindCoordinatorRequest, JoinGroupRequest, HeartbeatRequest,
    LeaveGroupRequest, SyncGroupRequest, DescribeGroupsRequest, ListGroupsRequest,
    SaslHandshakeRequest, ApiVersionsRequest, CreateTopicsRequest, DeleteTopicsRequest,
    DeleteRecordsRequest, InitProducerIdRequest, OffsetForLeaderEpochRequest,
    AddPartitionsToTxnRequest, AddOffsetsToTxnRequest, EndTxnRequest, WriteTxnMarkersRequest,
    TxnOffsetCommitRequest, DescribeAclsRequest, CreateAclsRequest, DeleteAclsRequest,
    DescribeConfigsRequest, AlterConfigsRequest, AlterReplicaLogDirsRequest,
    DescribeLogDirsRequest, SaslAuthenticateRequest, CreatePartitionsRequest,
    DeleteGroupsRequest, ElectLeadersRequest, IncrementalAlterConfigsRequest,
    AlterPartitionReassignmentsRequest, ListPartitionReassignmentsRequest, OffsetDeleteRequest,
    DescribeClientQuotasRequest, AlterClientQuotasRequest, DescribeUserScramCredentialsRequest,
    AlterUserScramCredentialsRequest, DescribeQuorumRequest, UpdateFeaturesRequest,
    DescribeClusterRequest, DescribeProducersRequest, UnregisterBrokerRequest,
    DescribeTransactionsRequest, ListTransactionsRequest, ConsumerGroupHeartbeatRequest,
    ConsumerGroupDescribeRequest, GetTelemetrySubscriptionsRequest, PushTelemetryRequest,
    ListConfigResourcesRequest, DescribeTopicPartitionsRequest,
}
