//! Three textures a side, one shader, one quad.

use std::sync::{Arc, Mutex, PoisonError};

use egui::{PaintCallbackInfo, Vec2};
use egui_wgpu::{CallbackResources, CallbackTrait, RenderState, ScreenDescriptor};
use sotto_session_api::Planes;
use wgpu::util::DeviceExt as _;

use super::Which;

/// The shader's uniform: twelve 32-bit values in its order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct View([u32; 12]);

const IS_LINEAR: usize = 8;

impl View {
    pub(super) fn new(offset: Vec2, part: Vec2, size: Vec2, radius: f32, blur: f32) -> Self {
        let floats = [offset.x, offset.y, part.x, part.y, size.x, size.y, radius, blur];
        let mut words = [0; 12];
        for (word, float) in words.iter_mut().zip(floats) {
            *word = float.to_bits();
        }
        Self(words)
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }
}

/// What lives as long as the window.
struct Pictures {
    pipeline: wgpu::RenderPipeline,
    view_layout: wgpu::BindGroupLayout,
    planes_layout: wgpu::BindGroupLayout,
    sampler: wgpu::Sampler,
    is_linear: bool,
    sides: [Option<Side>; 2],
}

/// The picture of one side on the graphics processor.
struct Side {
    size: (u32, u32),
    number: u64,
    textures: [wgpu::Texture; 3],
    planes: wgpu::BindGroup,
}

/// Makes the shader ready. Once, when the window is made.
pub fn install(state: &RenderState) {
    let pictures = Pictures::new(&state.device, state.target_format);
    state.renderer.write().callback_resources.insert(pictures);
}

/// Frees the textures of both sides: after a session no picture stays on the graphics processor.
pub fn release(state: &RenderState) {
    if let Some(pictures) = state.renderer.write().callback_resources.get_mut::<Pictures>() {
        pictures.sides = [None, None];
    }
}

impl Pictures {
    fn new(device: &wgpu::Device, format: wgpu::TextureFormat) -> Self {
        let shader = device.create_shader_module(wgpu::include_wgsl!("picture.wgsl"));
        let view_layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("picture view"),
            entries: &[wgpu::BindGroupLayoutEntry {
                binding: 0,
                visibility: wgpu::ShaderStages::VERTEX_FRAGMENT,
                ty: wgpu::BindingType::Buffer {
                    ty: wgpu::BufferBindingType::Uniform,
                    has_dynamic_offset: false,
                    min_binding_size: None,
                },
                count: None,
            }],
        });
        let plane = |binding| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::FRAGMENT,
            ty: wgpu::BindingType::Texture {
                sample_type: wgpu::TextureSampleType::Float { filterable: true },
                view_dimension: wgpu::TextureViewDimension::D2,
                multisampled: false,
            },
            count: None,
        };
        let planes_layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("picture planes"),
            entries: &[
                plane(0),
                plane(1),
                plane(2),
                wgpu::BindGroupLayoutEntry {
                    binding: 3,
                    visibility: wgpu::ShaderStages::FRAGMENT,
                    ty: wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering),
                    count: None,
                },
            ],
        });
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("picture"),
            bind_group_layouts: &[Some(&view_layout), Some(&planes_layout)],
            immediate_size: 0,
        });
        let pipeline = device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some("picture"),
            layout: Some(&layout),
            vertex: wgpu::VertexState {
                module: &shader,
                entry_point: Some("corner"),
                buffers: &[],
                compilation_options: wgpu::PipelineCompilationOptions::default(),
            },
            primitive: wgpu::PrimitiveState {
                topology: wgpu::PrimitiveTopology::TriangleStrip,
                ..wgpu::PrimitiveState::default()
            },
            depth_stencil: None,
            multisample: wgpu::MultisampleState::default(),
            fragment: Some(wgpu::FragmentState {
                module: &shader,
                entry_point: Some("pixel"),
                targets: &[Some(wgpu::ColorTargetState {
                    format,
                    blend: Some(wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING),
                    write_mask: wgpu::ColorWrites::ALL,
                })],
                compilation_options: wgpu::PipelineCompilationOptions::default(),
            }),
            multiview_mask: None,
            cache: None,
        });
        let sampler = device.create_sampler(&wgpu::SamplerDescriptor {
            label: Some("picture"),
            mag_filter: wgpu::FilterMode::Linear,
            min_filter: wgpu::FilterMode::Linear,
            ..wgpu::SamplerDescriptor::default()
        });
        Self { pipeline, view_layout, planes_layout, sampler, is_linear: format.is_srgb(), sides: [None, None] }
    }

    /// Textures of this size for a side, the ones that are there if they fit.
    fn side(&mut self, device: &wgpu::Device, which: Which, size: (u32, u32)) -> &mut Side {
        let side = &mut self.sides[which as usize];
        if side.as_ref().is_none_or(|side| side.size != size) {
            let textures = [size, half(size), half(size)].map(|(width, height)| {
                device.create_texture(&wgpu::TextureDescriptor {
                    label: Some("plane"),
                    size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
                    mip_level_count: 1,
                    sample_count: 1,
                    dimension: wgpu::TextureDimension::D2,
                    format: wgpu::TextureFormat::R8Unorm,
                    usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
                    view_formats: &[],
                })
            });
            let views = textures.each_ref().map(|texture| texture.create_view(&wgpu::TextureViewDescriptor::default()));
            let planes = device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("picture planes"),
                layout: &self.planes_layout,
                entries: &[
                    wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::TextureView(&views[0]) },
                    wgpu::BindGroupEntry { binding: 1, resource: wgpu::BindingResource::TextureView(&views[1]) },
                    wgpu::BindGroupEntry { binding: 2, resource: wgpu::BindingResource::TextureView(&views[2]) },
                    wgpu::BindGroupEntry { binding: 3, resource: wgpu::BindingResource::Sampler(&self.sampler) },
                ],
            });
            *side = Some(Side { size, number: 0, textures, planes });
        }
        side.as_mut().expect("it was just made")
    }
}

const fn half(size: (u32, u32)) -> (u32, u32) {
    (size.0.div_ceil(2), size.1.div_ceil(2))
}

impl Side {
    fn upload(&mut self, queue: &wgpu::Queue, planes: &Planes, number: u64) {
        self.number = number;
        let sizes = [self.size, half(self.size), half(self.size)];
        for (plane, (width, height)) in sizes.into_iter().enumerate() {
            let stride = planes.strides[plane];
            let needed = stride * (height as usize - 1) + width as usize;
            let (Ok(bytes_per_row), Some(data)) = (u32::try_from(stride), planes.data[plane].get(..needed)) else {
                continue;
            };
            queue.write_texture(
                self.textures[plane].as_image_copy(),
                data,
                wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(bytes_per_row), rows_per_image: None },
                wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
            );
        }
    }
}

/// One painting of a picture.
pub(super) struct PaintPicture {
    which: Which,
    planes: Arc<Planes>,
    number: u64,
    view: View,
    /// Made in `prepare`, used in `paint`.
    bound: Mutex<Option<wgpu::BindGroup>>,
}

impl PaintPicture {
    pub(super) const fn new(which: Which, planes: Arc<Planes>, number: u64, view: View) -> Self {
        Self { which, planes, number, view, bound: Mutex::new(None) }
    }
}

impl CallbackTrait for PaintPicture {
    fn prepare(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        _screen: &ScreenDescriptor,
        _encoder: &mut wgpu::CommandEncoder,
        resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        let Some(pictures) = resources.get_mut::<Pictures>() else { return Vec::new() };
        let size = (self.planes.width, self.planes.height);
        if size.0 == 0 || size.1 == 0 {
            return Vec::new();
        }
        let side = pictures.side(device, self.which, size);
        if side.number != self.number {
            side.upload(queue, &self.planes, self.number);
        }
        let mut view = self.view;
        view.0[IS_LINEAR] = u32::from(pictures.is_linear);
        let buffer = device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
            label: Some("picture view"),
            contents: &view.bytes(),
            usage: wgpu::BufferUsages::UNIFORM,
        });
        let bound = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("picture view"),
            layout: &pictures.view_layout,
            entries: &[wgpu::BindGroupEntry { binding: 0, resource: buffer.as_entire_binding() }],
        });
        *self.bound.lock().unwrap_or_else(PoisonError::into_inner) = Some(bound);
        Vec::new()
    }

    fn paint(&self, _info: PaintCallbackInfo, pass: &mut wgpu::RenderPass<'static>, resources: &CallbackResources) {
        let bound = self.bound.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some(view), Some(pictures)) = (&*bound, resources.get::<Pictures>()) else { return };
        let Some(side) = &pictures.sides[self.which as usize] else { return };
        pass.set_pipeline(&pictures.pipeline);
        pass.set_bind_group(0, view, &[]);
        pass.set_bind_group(1, &side.planes, &[]);
        pass.draw(0..4, 0..1);
    }
}
