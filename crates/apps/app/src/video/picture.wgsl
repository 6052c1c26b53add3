// One picture: three planes of 8 bits in, one rounded rectangle out, premultiplied.
//
// The planes are BT.601, limited range, as the codec's video usability information says.

struct View {
    // Part of the picture that is shown: offset and scale; a negative scale mirrors.
    part_offset: vec2<f32>,
    part_scale: vec2<f32>,
    // Size of the rectangle and radius of its corners, in pixels of the screen.
    size: vec2<f32>,
    radius: f32,
    // 0: sharp. 1: soft, for a picture that stands still because the connection is lost.
    blur: f32,
    // 1 where the screen's format converts to sRGB by itself.
    is_linear: u32,
    padding_a: u32,
    padding_b: u32,
    padding_c: u32,
};

@group(0) @binding(0) var<uniform> view: View;
@group(1) @binding(0) var luma: texture_2d<f32>;
@group(1) @binding(1) var blue: texture_2d<f32>;
@group(1) @binding(2) var red: texture_2d<f32>;
@group(1) @binding(3) var smooth_sampler: sampler;

struct Corner {
    @builtin(position) position: vec4<f32>,
    @location(0) at: vec2<f32>,
};

@vertex
fn corner(@builtin(vertex_index) index: u32) -> Corner {
    let at = vec2<f32>(f32(index & 1u), f32(index >> 1u));
    return Corner(vec4<f32>(at.x * 2.0 - 1.0, 1.0 - at.y * 2.0, 0.0, 1.0), at);
}

fn sample_yuv(at: vec2<f32>) -> vec3<f32> {
    return vec3<f32>(
        textureSampleLevel(luma, smooth_sampler, at, 0.0).r,
        textureSampleLevel(blue, smooth_sampler, at, 0.0).r,
        textureSampleLevel(red, smooth_sampler, at, 0.0).r,
    );
}

// Four samples a pixel: a picture that is shown smaller than it is does not flicker at its edges.
fn sharp(at: vec2<f32>) -> vec3<f32> {
    let step = 0.25 * view.part_scale / view.size;
    return 0.25 * (sample_yuv(at + step) + sample_yuv(at - step)
        + sample_yuv(at + vec2<f32>(step.x, -step.y)) + sample_yuv(at - vec2<f32>(step.x, -step.y)));
}

// A disc of 48 samples on a sunflower spiral.
fn soft(at: vec2<f32>, strength: f32) -> vec3<f32> {
    var sum = vec3<f32>(0.0);
    let reach = strength * 0.03 * view.size.y / view.size;
    for (var i = 0; i < 48; i++) {
        let angle = f32(i) * 2.39996323;
        let distance = sqrt((f32(i) + 0.5) / 48.0);
        let to = at + reach * distance * vec2<f32>(cos(angle), sin(angle));
        sum += sample_yuv(clamp(to, vec2<f32>(0.002), vec2<f32>(0.998)));
    }
    return sum / 48.0;
}

fn linear_from_gamma(gamma: vec3<f32>) -> vec3<f32> {
    let lower = gamma / vec3<f32>(12.92);
    let higher = pow((gamma + vec3<f32>(0.055)) / vec3<f32>(1.055), vec3<f32>(2.4));
    return select(higher, lower, gamma < vec3<f32>(0.04045));
}

@fragment
fn pixel(in: Corner) -> @location(0) vec4<f32> {
    let at = view.part_offset + view.part_scale * in.at;
    var yuv: vec3<f32>;
    if view.blur > 0.0 {
        yuv = soft(at, view.blur);
    } else {
        yuv = sharp(at);
    }
    let y = (yuv.x * 255.0 - 16.0) / 219.0;
    let cb = (yuv.y * 255.0 - 128.0) / 224.0;
    let cr = (yuv.z * 255.0 - 128.0) / 224.0;
    var rgb = clamp(
        vec3<f32>(y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb),
        vec3<f32>(0.0),
        vec3<f32>(1.0),
    );
    if view.is_linear == 1u {
        rgb = linear_from_gamma(rgb);
    }
    // Signed distance to the rounded rectangle, smoothed over one pixel.
    let half_size = 0.5 * view.size;
    let beyond = abs(in.at * view.size - half_size) - (half_size - vec2<f32>(view.radius));
    let distance = length(max(beyond, vec2<f32>(0.0))) + min(max(beyond.x, beyond.y), 0.0) - view.radius;
    let alpha = clamp(0.5 - distance, 0.0, 1.0);
    return vec4<f32>(rgb * alpha, alpha);
}
