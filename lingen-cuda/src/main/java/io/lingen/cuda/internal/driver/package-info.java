/**
 * Bindings of the CUDA driver, NVRTC and cuBLASLt through {@code java.lang.foreign}, the search for their libraries, the cache of compiled
 * kernels, and one device with its stream. Not API.
 */
@NullMarked
package io.lingen.cuda.internal.driver;

import org.jspecify.annotations.NullMarked;
