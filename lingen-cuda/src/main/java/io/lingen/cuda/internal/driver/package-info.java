/**
 * CUDA through {@code java.lang.foreign}: finding the libraries, the functions of each that are used, compiled kernels, and one device
 * with its stream. Not API.
 */
@NullMarked
package io.lingen.cuda.internal.driver;

import org.jspecify.annotations.NullMarked;
