@NullMarked
package io.lingen.core.accounting;

import org.jspecify.annotations.NullMarked;
