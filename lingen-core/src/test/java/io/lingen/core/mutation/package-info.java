/** Files damaged at random, for the tests of all that reads files. */
@NullMarked
package io.lingen.core.mutation;

import org.jspecify.annotations.NullMarked;
