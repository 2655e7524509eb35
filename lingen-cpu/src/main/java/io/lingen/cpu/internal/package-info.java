/** Off-heap memory and worker threads of the CPU backend. Not API. */
@NullMarked
package io.lingen.cpu.internal;

import org.jspecify.annotations.NullMarked;
