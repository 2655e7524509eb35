/**
 * oneDNN's matrix products and convolutions as kernels of the CPU backend.
 *
 * <p>The native library is that of the bytedeco project; its C interface is called through {@code java.lang.foreign}. The backend's own
 * threads share the work and every one executes primitives single-threaded on its part, so that intermediate results stay in its cache
 * and no second pool of threads competes for the processors. Without the library for this platform, or with
 * {@code -Dlingen.cpu.onednn=false}, nothing of this package is used. Not API.
 */
@NullMarked
package io.lingen.cpu.internal.dnnl;

import org.jspecify.annotations.NullMarked;
