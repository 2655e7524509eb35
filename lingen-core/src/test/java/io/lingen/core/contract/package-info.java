/**
 * What every backend has to fulfil: one abstract class per group of operations, compared with plain loops in double precision over awkward
 * sizes. A backend's module subclasses each and says in {@code newBackend} how it is made; where its device is missing, that method aborts
 * the test with the reason (an assumption), so that it is reported as skipped.
 */
@NullMarked
package io.lingen.core.contract;

import org.jspecify.annotations.NullMarked;
