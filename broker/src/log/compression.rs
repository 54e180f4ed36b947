//! Decompresses the records of a batch. What they say about their length is not trusted.

use std::borrow::Cow;
use std::io::{self, Read};

/// More than this is not decompressed: a small batch could have gigabytes.
const DECOMPRESSED_MAX_BYTES: usize = 64 * 1024 * 1024;
/// What the Snappy of Java's client begins with, which splits records into blocks.
const XERIAL_MAGIC: &[u8] = b"\x82SNAPPY\0";
/// The magic and two versions.
const XERIAL_HEADER_BYTES: usize = 16;

/// The records of a batch with these attributes.
pub fn decompress(attributes: i16, bytes: &[u8]) -> io::Result<Cow<'_, [u8]>> {
    decompress_within(attributes, bytes, &mut DECOMPRESSED_MAX_BYTES.clone())
}

/// As [`decompress`], but no more than is `left`, which then is less. An error of the kind `FileTooLarge` says that the
/// records are more.
pub fn decompress_within<'a>(
    attributes: i16,
    bytes: &'a [u8],
    left: &mut usize,
) -> io::Result<Cow<'a, [u8]>> {
    let decompressed = match attributes & 7 {
        0 => return Ok(Cow::Borrowed(bytes)),
        1 => read_bounded(flate2::read::MultiGzDecoder::new(bytes), left)?,
        2 => snappy(bytes, left)?,
        3 => read_bounded(lz4_flex::frame::FrameDecoder::new(bytes), left)?,
        4 => read_bounded(zstd::stream::read::Decoder::with_buffer(bytes)?, left)?,
        codec => return Err(invalid(format!("the compression {codec} is not known"))),
    };
    Ok(Cow::Owned(decompressed))
}

fn read_bounded(reader: impl Read, left: &mut usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let max = DECOMPRESSED_MAX_BYTES.min(*left);
    let read = reader.take(max as u64 + 1).read_to_end(&mut bytes);
    *left = left.saturating_sub(bytes.len());
    read?;
    if bytes.len() > max { Err(too_long()) } else { Ok(bytes) }
}

fn snappy(bytes: &[u8], left: &mut usize) -> io::Result<Vec<u8>> {
    let mut decompressed = Vec::new();
    if !bytes.starts_with(XERIAL_MAGIC) {
        snappy_block(bytes, &mut decompressed, left)?;
        return Ok(decompressed);
    }
    let mut rest = bytes.get(XERIAL_HEADER_BYTES..).ok_or_else(|| invalid("no header".into()))?;
    while let Some((length, blocks)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        let (block, others) =
            blocks.split_at_checked(length).ok_or_else(|| invalid("a block is torn".into()))?;
        snappy_block(block, &mut decompressed, left)?;
        rest = others;
    }
    Ok(decompressed)
}

fn snappy_block(block: &[u8], decompressed: &mut Vec<u8>, left: &mut usize) -> io::Result<()> {
    let length = snap::raw::decompress_len(block)?;
    let before = decompressed.len();
    if length > (DECOMPRESSED_MAX_BYTES - before).min(*left) {
        return Err(too_long());
    }
    *left -= length;
    decompressed.resize(before + length, 0);
    snap::raw::Decoder::new().decompress(block, &mut decompressed[before..])?;
    Ok(())
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, "the records are more than is decompressed")
}

fn invalid(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
pub mod tests {
    use std::io::Write;

    use super::*;

    /// As clients compress, by the codec's number; 5 is Snappy in Java's framing.
    pub fn compress(codec: i16, bytes: &[u8]) -> Vec<u8> {
        match codec {
            1 => {
                let mut writer = flate2::write::GzEncoder::new(Vec::new(), Default::default());
                writer.write_all(bytes).unwrap();
                writer.finish().unwrap()
            }
            2 => snap::raw::Encoder::new().compress_vec(bytes).unwrap(),
            3 => {
                let mut writer = lz4_flex::frame::FrameEncoder::new(Vec::new());
                writer.write_all(bytes).unwrap();
                writer.finish().unwrap()
            }
            4 => zstd::encode_all(bytes, 1).unwrap(),
            5 => {
                let mut framed = [XERIAL_MAGIC, &[0, 0, 0, 1, 0, 0, 0, 1]].concat();
                for block in bytes.chunks(1000) {
                    let block = compress(2, block);
                    framed.extend_from_slice(&(block.len() as u32).to_be_bytes());
                    framed.extend_from_slice(&block);
                }
                framed
            }
            _ => bytes.to_vec(),
        }
    }

    #[test]
    fn every_codec_is_read() {
        let records: Vec<u8> = (0..5000).map(|i| (i % 7) as u8).collect();
        for codec in 0..=5 {
            let attributes = if codec == 5 { 2 } else { codec };
            let compressed = compress(codec, &records);
            assert_eq!(*decompress(attributes, &compressed).unwrap(), records, "codec {codec}");
            if codec > 0 {
                let torn = &compressed[..compressed.len() / 2];
                assert!(decompress(attributes, torn).map_or(true, |read| *read != records));
            }
        }
        assert!(decompress(6, &records).is_err());
    }

    #[test]
    fn a_bomb_is_refused() {
        let bomb = vec![0; DECOMPRESSED_MAX_BYTES + 1];
        for codec in [1, 3, 4] {
            assert!(decompress(codec, &compress(codec, &bomb)).is_err(), "codec {codec}");
        }
        let length_of_4_gib = [0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0];
        assert!(decompress(2, &length_of_4_gib).is_err());
    }
}
