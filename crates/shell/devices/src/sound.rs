//! Microphone and speaker by the system's sound server.
//!
//! The callback of the sound server neither allocates, locks nor logs: it moves samples between its buffer and a
//! lock-free ring. Everything else happens on the thread that reads or plays.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use cpal::{
    BufferSize, Device, ErrorKind, Host, SampleFormat, Stream, StreamConfig,
    traits::{DeviceTrait, HostTrait, StreamTrait},
};
use rtrb::{Consumer, Producer, RingBuffer};
use sotto_media::{AUDIO_FRAME, AUDIO_RATE, AudioSink, AudioSource, DeviceFault};

use crate::{clock::monotonic_us, resample::Resampler};

/// A stream that gives or takes nothing for this long is lost.
const SILENT_LIMIT: Duration = Duration::from_millis(1500);
/// The same before the device has taken its first sound: a PulseAudio sink that was idle may finish a block of two
/// seconds before it looks at a new stream.
const START_LIMIT: Duration = Duration::from_secs(4);
/// Sound that waits for the speaker, in frames of 20 ms: enough for a busy computer, little enough for a talk.
const QUEUED_FRAMES: usize = 2;

/// PulseAudio where a server answers, else what the system has.
fn host() -> Host {
    cpal::host_from_id(cpal::HostId::PulseAudio)
        .ok()
        .filter(|host| host.devices().is_ok_and(|mut devices| devices.next().is_some()))
        .unwrap_or_else(cpal::default_host)
}

fn is_pulse(host: &Host) -> bool {
    host.id() == cpal::HostId::PulseAudio
}

fn label(device: &Device) -> String {
    device.description().map(|description| description.name().to_owned()).unwrap_or_default()
}

/// Names of what can be chosen.
pub(crate) fn names(input: bool) -> Vec<String> {
    let host = host();
    let devices = if input { host.input_devices() } else { host.output_devices() };
    devices.map(|devices| devices.map(|device| label(&device)).collect()).unwrap_or_default()
}

fn find(name: Option<&str>, input: bool) -> Result<(Device, bool), DeviceFault> {
    let host = host();
    let pulse = is_pulse(&host);
    let missing = || DeviceFault::Missing { name: name.unwrap_or_default().to_owned() };
    let device = match name {
        None if input => host.default_input_device(),
        None => host.default_output_device(),
        Some(name) => {
            let devices = if input { host.input_devices() } else { host.output_devices() };
            let same =
                |device: &Device| label(device) == name || device.id().is_ok_and(|id| id.to_string().ends_with(name));
            devices.map_err(|_| missing())?.find(same)
        }
    };
    Ok((device.ok_or_else(missing)?, pulse))
}

fn fault(kind: ErrorKind, name: &str) -> DeviceFault {
    let name = name.to_owned();
    match kind {
        ErrorKind::DeviceBusy => DeviceFault::Busy { name },
        ErrorKind::DeviceNotAvailable | ErrorKind::HostUnavailable => DeviceFault::Missing { name },
        other => DeviceFault::Unsupported { what: format!("{name}: {other:?}") },
    }
}

/// 48 kHz mono first; else what the device likes best.
fn configs(device: &Device, input: bool, pulse: bool) -> Vec<(StreamConfig, SampleFormat)> {
    // A fixed buffer of 10 ms: PulseAudio's own default may be two seconds. ALSA's plug-in can't take one.
    let buffer_size = if pulse { BufferSize::Fixed(480) } else { BufferSize::Default };
    let mut configs = vec![(StreamConfig { channels: 1, sample_rate: AUDIO_RATE, buffer_size }, SampleFormat::F32)];
    let own = if input { device.default_input_config() } else { device.default_output_config() };
    if let Ok(own) = own {
        let config = StreamConfig { channels: own.channels(), sample_rate: own.sample_rate(), buffer_size };
        configs.push((config, own.sample_format()));
    }
    configs
}

/// What both directions watch.
#[derive(Clone, Default)]
struct Health {
    lost: Arc<AtomicBool>,
    /// Nobody wants the device any more.
    stop: Arc<AtomicBool>,
}

impl Health {
    fn on_error(&self) -> impl FnMut(cpal::Error) + Send + 'static {
        let lost = self.lost.clone();
        move |error| {
            // Others are single glitches; a stream that stands still is noticed by its silence.
            if matches!(
                error.kind(),
                ErrorKind::DeviceNotAvailable | ErrorKind::HostUnavailable | ErrorKind::StreamInvalidated
            ) {
                lost.store(true, Ordering::Relaxed);
            }
        }
    }

    /// Waiting for it is of no use.
    fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed) || self.stop.load(Ordering::Relaxed)
    }
}

pub(crate) struct Microphone {
    _stream: Stream,
    ring: Consumer<f32>,
    resampler: Resampler,
    ready: Vec<f32>,
    chunk: Vec<f32>,
    health: Health,
    name: String,
}

impl Microphone {
    pub(crate) fn open(name: Option<&str>) -> Result<Self, DeviceFault> {
        let (device, pulse) = find(name, true)?;
        let name = label(&device);
        let mut last = ErrorKind::DeviceNotAvailable;
        for (config, format) in configs(&device, true, pulse) {
            let (producer, ring) = RingBuffer::new(config.sample_rate as usize);
            let health = Health::default();
            let stream = match format {
                SampleFormat::I16 => input::<i16>(&device, &config, producer, &health, |v| f32::from(v) / 32768.0),
                _ => input::<f32>(&device, &config, producer, &health, |v| v),
            };
            match stream.and_then(|stream| stream.play().map(|()| stream)) {
                Ok(stream) => {
                    let resampler = Resampler::new(config.sample_rate, AUDIO_RATE);
                    let (ready, chunk) = (Vec::with_capacity(8192), Vec::with_capacity(8192));
                    return Ok(Self { _stream: stream, ring, resampler, ready, chunk, health, name });
                }
                Err(error) => last = error.kind(),
            }
        }
        Err(fault(last, &name))
    }
}

fn input<T: cpal::SizedSample>(
    device: &Device,
    config: &StreamConfig,
    mut ring: Producer<f32>,
    health: &Health,
    convert: impl Fn(T) -> f32 + Send + 'static,
) -> Result<Stream, cpal::Error> {
    let channels = usize::from(config.channels.max(1));
    let data = move |samples: &[T], _: &cpal::InputCallbackInfo| {
        for frame in samples.chunks_exact(channels) {
            let mono = frame.iter().map(|sample| convert(*sample)).sum::<f32>() / channels as f32;
            // Full: nobody reads any more; the newest sound is dropped.
            let _ = ring.push(mono);
        }
    };
    device.build_input_stream(*config, data, health.on_error(), Some(Duration::from_secs(2)))
}

impl AudioSource for Microphone {
    fn next_frame(&mut self, frame: &mut [i16; AUDIO_FRAME]) -> Result<u64, DeviceFault> {
        let mut heard = Instant::now();
        while self.ready.len() < AUDIO_FRAME {
            self.chunk.clear();
            while let Ok(sample) = self.ring.pop() {
                self.chunk.push(sample);
            }
            if self.chunk.is_empty() {
                if self.health.is_lost() || heard.elapsed() > SILENT_LIMIT {
                    return Err(DeviceFault::Lost { name: self.name.clone() });
                }
                thread::sleep(Duration::from_millis(3));
                continue;
            }
            heard = Instant::now();
            self.resampler.push(&self.chunk, &mut self.ready);
        }
        // More than 200 ms behind: the reader was stopped for a while; old sound is not worth the delay.
        if self.ready.len() > 10 * AUDIO_FRAME {
            let old = self.ready.len() - 2 * AUDIO_FRAME;
            self.ready.drain(..old);
        }
        for (out, sample) in frame.iter_mut().zip(self.ready.drain(..AUDIO_FRAME)) {
            *out = (sample.clamp(-1.0, 1.0) * 32767.0) as i16;
        }
        Ok(monotonic_us().saturating_sub(20_000))
    }

    fn stop_on(&mut self, stop: Arc<AtomicBool>) {
        self.health.stop = stop;
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

pub(crate) struct Speaker {
    _stream: Stream,
    ring: Producer<f32>,
    room: usize,
    limit: usize,
    has_started: bool,
    resampler: Resampler,
    chunk: Vec<f32>,
    health: Health,
    name: String,
}

impl Speaker {
    pub(crate) fn open(name: Option<&str>) -> Result<Self, DeviceFault> {
        let (device, pulse) = find(name, false)?;
        let name = label(&device);
        let mut last = ErrorKind::DeviceNotAvailable;
        for (config, format) in configs(&device, false, pulse) {
            let room = config.sample_rate as usize;
            let (ring, consumer) = RingBuffer::new(room);
            let health = Health::default();
            let stream = match format {
                SampleFormat::I16 => output::<i16>(&device, &config, consumer, &health, |v| (v * 32767.0) as i16),
                _ => output::<f32>(&device, &config, consumer, &health, |v| v),
            };
            match stream.and_then(|stream| stream.play().map(|()| stream)) {
                Ok(stream) => {
                    let limit = QUEUED_FRAMES * config.sample_rate as usize / 50;
                    let resampler = Resampler::new(AUDIO_RATE, config.sample_rate);
                    let chunk = Vec::with_capacity(8192);
                    return Ok(Self {
                        _stream: stream,
                        ring,
                        room,
                        limit,
                        has_started: false,
                        resampler,
                        chunk,
                        health,
                        name,
                    });
                }
                Err(error) => last = error.kind(),
            }
        }
        Err(fault(last, &name))
    }

    fn queued(&self) -> usize {
        self.room - self.ring.slots()
    }
}

fn output<T: cpal::SizedSample>(
    device: &Device,
    config: &StreamConfig,
    mut ring: Consumer<f32>,
    health: &Health,
    convert: impl Fn(f32) -> T + Send + 'static,
) -> Result<Stream, cpal::Error> {
    let channels = usize::from(config.channels.max(1));
    let data = move |samples: &mut [T], _: &cpal::OutputCallbackInfo| {
        for frame in samples.chunks_exact_mut(channels) {
            // Empty: silence, until the player is back.
            let sample = ring.pop().unwrap_or(0.0).clamp(-1.0, 1.0);
            for channel in frame {
                *channel = convert(sample);
            }
        }
    };
    device.build_output_stream(*config, data, health.on_error(), Some(Duration::from_secs(2)))
}

impl AudioSink for Speaker {
    fn play(&mut self, frame: &[i16; AUDIO_FRAME]) -> Result<(), DeviceFault> {
        let (mut last, mut moved) = (self.queued(), Instant::now());
        while self.queued() > self.limit {
            let patience = if self.has_started { SILENT_LIMIT } else { START_LIMIT };
            if self.health.is_lost() || moved.elapsed() > patience {
                return Err(DeviceFault::Lost { name: self.name.clone() });
            }
            thread::sleep(Duration::from_millis(2));
            if self.queued() != last {
                self.has_started = true;
                (last, moved) = (self.queued(), Instant::now());
            }
        }
        if self.health.is_lost() {
            return Err(DeviceFault::Lost { name: self.name.clone() });
        }
        let samples: [f32; AUDIO_FRAME] = frame.map(|sample| f32::from(sample) / 32768.0);
        self.chunk.clear();
        self.resampler.push(&samples, &mut self.chunk);
        for sample in &self.chunk {
            let _ = self.ring.push(*sample); // a second of room, and at most 60 ms are queued
        }
        Ok(())
    }

    fn stop_on(&mut self, stop: Arc<AtomicBool>) {
        self.health.stop = stop;
    }

    fn queued_ms(&self) -> u32 {
        u32::try_from(self.queued() * 1000 / self.room.max(1)).unwrap_or(0)
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}
