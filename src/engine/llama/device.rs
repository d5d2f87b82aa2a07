//! What this build could evaluate models with: the processor, and what the features `cuda`, `vulkan` and `metal` find.
#![expect(unsafe_code, reason = "ggml's devices are C")]

use llama_cpp_sys_2 as sys;

use super::log;
use super::weights::text_at;
use crate::engine::backend::{Device, DeviceKind};

/// The devices, in ggml's order.
pub(super) fn devices() -> Vec<Device> {
    log::init();
    // SAFETY: ggml's list of devices is made at its first use, and not changed afterwards.
    let count = unsafe { sys::ggml_backend_dev_count() };
    (0..count).filter_map(device).collect()
}

/// Whether layers can be given to another device than the processor.
pub(super) fn can_offload() -> bool {
    // SAFETY: asks ggml's list of devices.
    unsafe { sys::llama_supports_gpu_offload() }
}

fn device(index: usize) -> Option<Device> {
    let (mut memory_free, mut memory_total) = (0, 0);
    // SAFETY: the index is below the count, and devices live as long as the process; both sizes are written by the call.
    let (name, description, kind) = unsafe {
        let device = sys::ggml_backend_dev_get(index);
        sys::ggml_backend_dev_memory(device, &raw mut memory_free, &raw mut memory_total);
        (
            sys::ggml_backend_dev_name(device),
            sys::ggml_backend_dev_description(device),
            sys::ggml_backend_dev_type(device),
        )
    };
    let kind = match kind {
        sys::GGML_BACKEND_DEVICE_TYPE_CPU => DeviceKind::Cpu,
        sys::GGML_BACKEND_DEVICE_TYPE_GPU => DeviceKind::Gpu,
        sys::GGML_BACKEND_DEVICE_TYPE_IGPU => DeviceKind::IntegratedGpu,
        sys::GGML_BACKEND_DEVICE_TYPE_ACCEL => DeviceKind::Accelerator,
        // A device made of others is not one more.
        _ => return None,
    };
    let text = |text| text_at(text).unwrap_or_default();
    let (memory_free, memory_total) = (memory_free as u64, memory_total as u64);
    Some(Device { name: text(name), description: text(description), kind, memory_free, memory_total })
}
