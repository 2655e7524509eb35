/** Tests of the libraries' bindings, and the emulated device. */
@NullMarked
package io.lingen.cuda.internal.driver;

import org.jspecify.annotations.NullMarked;
