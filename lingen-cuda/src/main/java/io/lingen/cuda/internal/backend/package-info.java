/**
 * The backend "cuda": kernels of our own, compiled for the device when first used, and cuBLASLt. Not yet proven on a GPU: its kernels
 * have run on an emulated device only, see docs/gpu-notes.md.
 */
@NullMarked
package io.lingen.cuda.internal.backend;

import org.jspecify.annotations.NullMarked;
