//! Icons: a subset of Phosphor 2.1 (`assets/fonts`), outlined for actions and filled for states.

/// One glyph of the two icon fonts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Icon {
    /// Character in the private use area.
    pub glyph: char,
    /// From the filled font.
    pub filled: bool,
}

/// Phosphor `arrow-clockwise`.
pub const ARROW_CLOCKWISE: Icon = Icon { glyph: '\u{e036}', filled: false };
/// Phosphor `arrow-left`.
pub const ARROW_LEFT: Icon = Icon { glyph: '\u{e058}', filled: false };
/// Phosphor `bag`.
pub const BAG: Icon = Icon { glyph: '\u{e0b0}', filled: false };
/// Phosphor `bell-slash`.
pub const BELL_SLASH: Icon = Icon { glyph: '\u{e0d4}', filled: false };
/// Phosphor `caret-down`.
pub const CARET_DOWN: Icon = Icon { glyph: '\u{e136}', filled: false };
/// Phosphor `caret-right`.
pub const CARET_RIGHT: Icon = Icon { glyph: '\u{e13a}', filled: false };
/// Phosphor `chat-circle-text`.
pub const CHAT_CIRCLE_TEXT: Icon = Icon { glyph: '\u{e16e}', filled: false };
/// Phosphor `check`.
pub const CHECK: Icon = Icon { glyph: '\u{e182}', filled: false };
/// Phosphor `circle-half`.
pub const CIRCLE_HALF: Icon = Icon { glyph: '\u{e18c}', filled: false };
/// Phosphor `clipboard-text`.
pub const CLIPBOARD_TEXT: Icon = Icon { glyph: '\u{e198}', filled: false };
/// Phosphor `clock`.
pub const CLOCK: Icon = Icon { glyph: '\u{e19a}', filled: false };
/// Phosphor `copy`.
pub const COPY: Icon = Icon { glyph: '\u{e1ca}', filled: false };
/// Phosphor `couch`.
pub const COUCH: Icon = Icon { glyph: '\u{e7f6}', filled: false };
/// Phosphor `door`.
pub const DOOR: Icon = Icon { glyph: '\u{e61c}', filled: false };
/// Phosphor `dots-three`.
pub const DOTS_THREE: Icon = Icon { glyph: '\u{e1fe}', filled: false };
/// Phosphor `download-simple`.
pub const DOWNLOAD_SIMPLE: Icon = Icon { glyph: '\u{e20c}', filled: false };
/// Phosphor `ear`.
pub const EAR: Icon = Icon { glyph: '\u{e70c}', filled: false };
/// Phosphor `eye`.
pub const EYE: Icon = Icon { glyph: '\u{e220}', filled: false };
/// Phosphor `eye-slash`.
pub const EYE_SLASH: Icon = Icon { glyph: '\u{e224}', filled: false };
/// Phosphor `file`.
pub const FILE: Icon = Icon { glyph: '\u{e230}', filled: false };
/// Phosphor `fingerprint`.
pub const FINGERPRINT: Icon = Icon { glyph: '\u{e23e}', filled: false };
/// Phosphor `gear-six`.
pub const GEAR_SIX: Icon = Icon { glyph: '\u{e272}', filled: false };
/// Phosphor `globe`.
pub const GLOBE: Icon = Icon { glyph: '\u{e288}', filled: false };
/// Phosphor `hard-drives`.
pub const HARD_DRIVES: Icon = Icon { glyph: '\u{e2a0}', filled: false };
/// Phosphor `headphones`.
pub const HEADPHONES: Icon = Icon { glyph: '\u{e2a6}', filled: false };
/// Phosphor `image`.
pub const IMAGE: Icon = Icon { glyph: '\u{e2ca}', filled: false };
/// Phosphor `info`.
pub const INFO: Icon = Icon { glyph: '\u{e2ce}', filled: false };
/// Phosphor `key`.
pub const KEY: Icon = Icon { glyph: '\u{e2d6}', filled: false };
/// Phosphor `link`.
pub const LINK: Icon = Icon { glyph: '\u{e2e2}', filled: false };
/// Phosphor `list`.
pub const LIST: Icon = Icon { glyph: '\u{e2f0}', filled: false };
/// Phosphor `lock-simple`.
pub const LOCK_SIMPLE: Icon = Icon { glyph: '\u{e308}', filled: false };
/// Phosphor `magnifying-glass`.
pub const MAGNIFYING_GLASS: Icon = Icon { glyph: '\u{e30c}', filled: false };
/// Phosphor `microphone`.
pub const MICROPHONE: Icon = Icon { glyph: '\u{e326}', filled: false };
/// Phosphor `microphone-slash`.
pub const MICROPHONE_SLASH: Icon = Icon { glyph: '\u{e328}', filled: false };
/// Phosphor `monitor`.
pub const MONITOR: Icon = Icon { glyph: '\u{e32e}', filled: false };
/// Phosphor `monitor-arrow-up`.
pub const MONITOR_ARROW_UP: Icon = Icon { glyph: '\u{e58a}', filled: false };
/// Phosphor `note`.
pub const NOTE: Icon = Icon { glyph: '\u{e348}', filled: false };
/// Phosphor `paper-plane-right`.
pub const PAPER_PLANE_RIGHT: Icon = Icon { glyph: '\u{e396}', filled: false };
/// Phosphor `pencil-simple`.
pub const PENCIL_SIMPLE: Icon = Icon { glyph: '\u{e3b4}', filled: false };
/// Phosphor `phone`.
pub const PHONE: Icon = Icon { glyph: '\u{e3b8}', filled: false };
/// Phosphor `phone-call`.
pub const PHONE_CALL: Icon = Icon { glyph: '\u{e3ba}', filled: false };
/// Phosphor `phone-disconnect`.
pub const PHONE_DISCONNECT: Icon = Icon { glyph: '\u{e3bc}', filled: false };
/// Phosphor `plus`.
pub const PLUS: Icon = Icon { glyph: '\u{e3d4}', filled: false };
/// Phosphor `printer`.
pub const PRINTER: Icon = Icon { glyph: '\u{e3dc}', filled: false };
/// Phosphor `prohibit`.
pub const PROHIBIT: Icon = Icon { glyph: '\u{e3de}', filled: false };
/// Phosphor `qr-code`.
pub const QR_CODE: Icon = Icon { glyph: '\u{e3e6}', filled: false };
/// Phosphor `question`.
pub const QUESTION: Icon = Icon { glyph: '\u{e3e8}', filled: false };
/// Phosphor `sign-out`.
pub const SIGN_OUT: Icon = Icon { glyph: '\u{e42a}', filled: false };
/// Phosphor `speaker-high`.
pub const SPEAKER_HIGH: Icon = Icon { glyph: '\u{e44a}', filled: false };
/// Phosphor `text-aa`.
pub const TEXT_AA: Icon = Icon { glyph: '\u{e6ee}', filled: false };
/// Phosphor `ticket`.
pub const TICKET: Icon = Icon { glyph: '\u{e490}', filled: false };
/// Phosphor `trash`.
pub const TRASH: Icon = Icon { glyph: '\u{e4a6}', filled: false };
/// Phosphor `user`.
pub const USER: Icon = Icon { glyph: '\u{e4c2}', filled: false };
/// Phosphor `video-camera`.
pub const VIDEO_CAMERA: Icon = Icon { glyph: '\u{e4da}', filled: false };
/// Phosphor `video-camera-slash`.
pub const VIDEO_CAMERA_SLASH: Icon = Icon { glyph: '\u{e4dc}', filled: false };
/// Phosphor `x`.
pub const X: Icon = Icon { glyph: '\u{e4f6}', filled: false };
/// Phosphor `x-circle`.
pub const X_CIRCLE: Icon = Icon { glyph: '\u{e4f8}', filled: false };
/// Phosphor `check-circle`, filled.
pub const CHECK_CIRCLE_FILL: Icon = Icon { glyph: '\u{e184}', filled: true };
/// Phosphor `clock`, filled.
pub const CLOCK_FILL: Icon = Icon { glyph: '\u{e19a}', filled: true };
/// Phosphor `cloud`, filled.
pub const CLOUD_FILL: Icon = Icon { glyph: '\u{e1aa}', filled: true };
/// Phosphor `cloud-rain`, filled.
pub const CLOUD_RAIN_FILL: Icon = Icon { glyph: '\u{e1b4}', filled: true };
/// Phosphor `cloud-sun`, filled.
pub const CLOUD_SUN_FILL: Icon = Icon { glyph: '\u{e540}', filled: true };
/// Phosphor `hourglass`, filled.
pub const HOURGLASS_FILL: Icon = Icon { glyph: '\u{e2b2}', filled: true };
/// Phosphor `info`, filled.
pub const INFO_FILL: Icon = Icon { glyph: '\u{e2ce}', filled: true };
/// Phosphor `key`, filled.
pub const KEY_FILL: Icon = Icon { glyph: '\u{e2d6}', filled: true };
/// Phosphor `lightning`, filled.
pub const LIGHTNING_FILL: Icon = Icon { glyph: '\u{e2de}', filled: true };
/// Phosphor `lock-simple`, filled.
pub const LOCK_SIMPLE_FILL: Icon = Icon { glyph: '\u{e308}', filled: true };
/// Phosphor `shield-check`, filled.
pub const SHIELD_CHECK_FILL: Icon = Icon { glyph: '\u{e40c}', filled: true };
/// Phosphor `shield-slash`, filled.
pub const SHIELD_SLASH_FILL: Icon = Icon { glyph: '\u{e410}', filled: true };
/// Phosphor `shield-warning`, filled.
pub const SHIELD_WARNING_FILL: Icon = Icon { glyph: '\u{e412}', filled: true };
/// Phosphor `sun`, filled.
pub const SUN_FILL: Icon = Icon { glyph: '\u{e472}', filled: true };
/// Phosphor `warning`, filled.
pub const WARNING_FILL: Icon = Icon { glyph: '\u{e4e0}', filled: true };
/// Phosphor `warning-circle`, filled.
pub const WARNING_CIRCLE_FILL: Icon = Icon { glyph: '\u{e4e2}', filled: true };
/// Phosphor `warning-octagon`, filled.
pub const WARNING_OCTAGON_FILL: Icon = Icon { glyph: '\u{e4e4}', filled: true };
/// Phosphor `x-circle`, filled.
pub const X_CIRCLE_FILL: Icon = Icon { glyph: '\u{e4f8}', filled: true };
