/** The inner loops of the kernels over F32 elements in off-heap memory, in plain Java and in the Vector API. Not API. */
@NullMarked
package io.lingen.cpu.internal.loop;

import org.jspecify.annotations.NullMarked;
