package io.lingen.internal.diffusers;

import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.internal.SafeText;
import io.lingen.spi.SamplingSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A flow-matching scheduler of diffusers: {@code scheduler_config.json}. Unknown fields are ignored, since diffusers writes many that change
 * nothing; known ones with a value that would change the result are rejected.
 *
 * @param sampler the name of the sampler that computes the same: "unipc", "flow_euler" or "dpm++"
 * @param shift the shift of the noise levels, above 0
 * @param order the order of the solver; 1 for Euler's method
 */
public record DiffusersScheduler(String sampler, double shift, int order) {
    private static final Map<String, String> SAMPLERS = Map.of(
            "UniPCMultistepScheduler", "unipc",
            "FlowMatchEulerDiscreteScheduler", "flow_euler",
            "DPMSolverMultistepScheduler", "dpm++");

    private static final List<String> FALSE_FLAGS = List.of(
            "thresholding",
            "use_dynamic_shifting",
            "use_karras_sigmas",
            "use_exponential_sigmas",
            "use_beta_sigmas",
            "use_lu_lambdas",
            "stochastic_sampling",
            "invert_sigmas");

    private static final int MAX_ORDER = 3;
    private static final double MAX_SHIFT = 1000;

    /**
     * {@return the settings of samplers with the shift of this scheduler, its own sampler first}
     *
     * @param names the names of the samplers that the model supports
     * @param steps the number of steps of each
     * @param guidance the guidance scale of each
     */
    public List<SamplingSettings> samplers(List<String> names, int steps, double guidance) {
        List<SamplingSettings> samplers = new ArrayList<>();
        for (String name : names) {
            samplers.add(
                    name.equals(sampler) ? 0 : samplers.size(),
                    new SamplingSettings(name, null, shift, List.of(), steps, guidance, 0));
        }
        return samplers;
    }

    /**
     * Reads a scheduler's configuration.
     *
     * @param json the configuration
     * @return the checked configuration
     * @throws io.lingen.core.checkpoint.CheckpointException if the class or a value is not implemented, by name
     */
    public static DiffusersScheduler read(ConfigReader json) {
        return read(json.text("_class_name"), json);
    }

    /**
     * Reads the configuration of a scheduler of a given class.
     *
     * @param name the name of the class
     * @param json the configuration
     * @return the checked configuration
     * @throws io.lingen.core.checkpoint.CheckpointException if the class or a value is not implemented, by name
     */
    public static DiffusersScheduler read(String name, ConfigReader json) {
        String sampler = SAMPLERS.get(name);
        if (sampler == null) {
            throw json.error(
                    "_class_name",
                    '"' + SafeText.of(name) + '"',
                    "one of "
                            + String.join(
                                    ", ", SAMPLERS.keySet().stream().sorted().toList()));
        }
        for (String field : FALSE_FLAGS) {
            if (json.flagOr(field, false)) {
                throw json.error(field, true, "false");
            }
        }
        requireInteger(json, "num_train_timesteps", 1000);
        requireNull(json, "shift_terminal");
        if (sampler.equals("flow_euler")) {
            return new DiffusersScheduler(sampler, json.numberOr("shift", 1, 1e-3, MAX_SHIFT), 1);
        }
        // The default of diffusers is another one.
        String prediction = json.textOr("prediction_type", "epsilon");
        if (!prediction.equals("flow_prediction")) {
            throw json.error("prediction_type", '"' + SafeText.of(prediction) + '"', "\"flow_prediction\"");
        }
        requireNull(json, "solver_p");
        if (!json.flagOr("lower_order_final", true)) {
            throw json.error("lower_order_final", false, "true");
        }
        requireText(json, "final_sigmas_type", "zero");
        requireText(json, "solver_type", sampler.equals("unipc") ? "bh2" : "midpoint");
        if (!json.flagOr("use_flow_sigmas", false)) {
            throw json.error("use_flow_sigmas", false, "true");
        }
        if (sampler.equals("unipc")) {
            if (!json.flagOr("predict_x0", true)) {
                throw json.error("predict_x0", false, "true");
            }
            if (json.has("disable_corrector") && json.integers("disable_corrector", 0, 1000, 0, 1000).length > 0) {
                throw json.error("disable_corrector", "steps", "none");
            }
        } else {
            requireText(json, "algorithm_type", "dpmsolver++");
        }
        int order = json.integerOr("solver_order", 2, 1, MAX_ORDER);
        if (sampler.equals("dpm++") && order != 2) {
            throw json.error("solver_order", order, "2");
        }
        return new DiffusersScheduler(sampler, json.numberOr("flow_shift", 1, 1e-3, MAX_SHIFT), order);
    }

    private static void requireText(ConfigReader json, String field, String expected) {
        String found = json.textOr(field, expected);
        if (!found.equals(expected)) {
            throw json.error(field, '"' + SafeText.of(found) + '"', '"' + expected + '"');
        }
    }

    private static void requireInteger(ConfigReader json, String field, int expected) {
        int found = json.integerOr(field, expected, 1, Integer.MAX_VALUE);
        if (found != expected) {
            throw json.error(field, found, "" + expected);
        }
    }

    private static void requireNull(ConfigReader json, String field) {
        if (json.has(field)) {
            throw json.error(field, "a value", "null");
        }
    }
}
