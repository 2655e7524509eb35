@NullMarked
package io.lingen.internal.text;

import org.jspecify.annotations.NullMarked;
