/** Tests of the building blocks of the kernels. */
@NullMarked
package io.lingen.cpu.internal.kernel;

import org.jspecify.annotations.NullMarked;
