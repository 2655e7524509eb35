/** Backends: the operations that models compute with, and the lookup of the implementations that are on the class path. */
@NullMarked
package io.lingen.core.backend;

import org.jspecify.annotations.NullMarked;
