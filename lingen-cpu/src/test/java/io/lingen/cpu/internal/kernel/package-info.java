/** What the kernels are made of. */
@NullMarked
package io.lingen.cpu.internal.kernel;

import org.jspecify.annotations.NullMarked;
