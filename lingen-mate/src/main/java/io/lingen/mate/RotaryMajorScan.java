package io.lingen.mate;

import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.op.ScanOrder;
import java.util.List;

/**
 * The axis orders in which layers scan the grid, in rotation (specification, section 3). The default orders are spatial-row (t, h, w),
 * spatial-column (t, w, h), temporal-row (h, w, t) and temporal-column (w, h, t). An order costs nothing, since the scan reads rows in any
 * order.
 *
 * @param orders at least one order; layer l uses entry l modulo their number
 */
public record RotaryMajorScan(List<ScanOrder> orders) {
    private static final List<String> ROTARY_MAJOR = List.of("thw", "twh", "hwt", "wht");

    /** The ablation without rotation: (t, h, w) in every layer. */
    public static final RotaryMajorScan FIXED = of(List.of("thw"), false);

    /** The four orders of the paper. */
    public static final RotaryMajorScan DEFAULT = of(ROTARY_MAJOR, false);

    /**
     * Checks and copies the orders.
     *
     * @throws IllegalArgumentException if there is none
     */
    public RotaryMajorScan {
        orders = List.copyOf(orders);
        if (orders.isEmpty()) {
            throw new IllegalArgumentException("scan must have at least one axis order, found none");
        }
    }

    /**
     * {@return the order of a layer}
     *
     * @param layer the index of the layer, from 0
     */
    public ScanOrder order(int layer) {
        return orders.get(layer % orders.size());
    }

    /** The values of the field {@code scan} of a transformer's configuration. */
    private enum Pattern {
        ROTARY_MAJOR,
        FIXED,
        ZIGZAG
    }

    static RotaryMajorScan read(ConfigReader reader) {
        Pattern pattern = reader.choice("scan", Pattern.class);
        List<String> axes = reader.has("scan_orders") ? reader.texts("scan_orders") : ROTARY_MAJOR;
        reader.ignore("scan_orders");
        if (pattern == Pattern.FIXED) {
            return FIXED;
        }
        try {
            return of(axes, pattern == Pattern.ZIGZAG);
        } catch (IllegalArgumentException e) {
            throw reader.error("scan_orders", axes, "at least one permutation of \"thw\", for example [\"hwt\"]");
        }
    }

    private static RotaryMajorScan of(List<String> axes, boolean zigzag) {
        return new RotaryMajorScan(
                axes.stream().map(name -> ScanOrder.of(name, zigzag)).toList());
    }
}
