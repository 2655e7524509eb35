/** Random damage to files, for the tests of all readers. */
@NullMarked
package io.lingen.core.mutation;

import org.jspecify.annotations.NullMarked;
