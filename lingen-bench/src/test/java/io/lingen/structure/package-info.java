@NullMarked
package io.lingen.structure;

import org.jspecify.annotations.NullMarked;
