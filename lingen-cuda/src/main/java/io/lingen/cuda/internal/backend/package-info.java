/**
 * The backend "cuda", for NVIDIA GPUs of compute capability 8.0 or newer. Its kernels are compiled for the device on first use. GEMMs of
 * linear layers run in cuBLASLt if it is installed. The backend is tested on an H200, and in every build on an emulated device
 * (docs/gpu-notes.md).
 */
@NullMarked
package io.lingen.cuda.internal.backend;

import org.jspecify.annotations.NullMarked;
