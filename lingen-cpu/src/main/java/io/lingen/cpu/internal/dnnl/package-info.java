/**
 * The matrix products and convolutions of the CPU backend that run in oneDNN.
 *
 * <p>The native library comes from the artifact org.bytedeco:dnnl. Its C API is called through {@code java.lang.foreign}. The threads of
 * the backend share the work, and each executes single-threaded primitives. Intermediate results therefore stay in the cache of a
 * processor, and no second thread pool competes for processors. {@code -Dlingen.cpu.onednn=false} disables this package. Not API.
 */
@NullMarked
package io.lingen.cpu.internal.dnnl;

import org.jspecify.annotations.NullMarked;
