/**
 * Loops over short runs of F32 elements in off-heap memory, once in plain Java and once in the Vector API; the kernels are written on
 * them. Not API.
 */
@NullMarked
package io.lingen.cpu.internal.loop;

import org.jspecify.annotations.NullMarked;
