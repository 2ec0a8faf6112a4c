namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor abs() => Call("abs", this);
        public Tensor abs_() => Update("abs_", this);
        public Tensor neg() => Call("neg", this);
        public Tensor neg_() => Update("neg_", this);
        public Tensor exp() => Call("exp", this);
        public Tensor exp_() => Update("exp_", this);
        public Tensor exp2() => Call("exp2", this);
        public Tensor expm1() => Call("expm1", this);
        public Tensor expm1_() => Update("expm1_", this);
        public Tensor log() => Call("log", this);
        public Tensor log_() => Update("log_", this);
        public Tensor log1p() => Call("log1p", this);
        public Tensor log1p_() => Update("log1p_", this);
        public Tensor log2() => Call("log2", this);
        public Tensor log2_() => Update("log2_", this);
        public Tensor log10() => Call("log10", this);
        public Tensor log10_() => Update("log10_", this);
        public Tensor sqrt() => Call("sqrt", this);
        public Tensor sqrt_() => Update("sqrt_", this);
        public Tensor rsqrt() => Call("rsqrt", this);
        public Tensor rsqrt_() => Update("rsqrt_", this);
        public Tensor square() => Call("square", this);
        public Tensor reciprocal() => Call("reciprocal", this);
        public Tensor reciprocal_() => Update("reciprocal_", this);
        public Tensor sign() => Call("sign", this);
        public Tensor sign_() => Update("sign_", this);
        public Tensor ceil() => Call("ceil", this);
        public Tensor ceil_() => Update("ceil_", this);
        public Tensor floor() => Call("floor", this);
        public Tensor floor_() => Update("floor_", this);
        public Tensor trunc() => Call("trunc", this);
        public Tensor trunc_() => Update("trunc_", this);
        public Tensor frac() => Call("frac", this);
        public Tensor frac_() => Update("frac_", this);

        public Tensor sin() => Call("sin", this);
        public Tensor sin_() => Update("sin_", this);
        public Tensor cos() => Call("cos", this);
        public Tensor cos_() => Update("cos_", this);
        public Tensor tan() => Call("tan", this);
        public Tensor tan_() => Update("tan_", this);
        public Tensor sinh() => Call("sinh", this);
        public Tensor sinh_() => Update("sinh_", this);
        public Tensor cosh() => Call("cosh", this);
        public Tensor cosh_() => Update("cosh_", this);
        public Tensor tanh() => Call("tanh", this);
        public Tensor tanh_() => Update("tanh_", this);
        public Tensor asin() => Call("asin", this);
        public Tensor asin_() => Update("asin_", this);
        public Tensor acos() => Call("acos", this);
        public Tensor acos_() => Update("acos_", this);
        public Tensor atan() => Call("atan", this);
        public Tensor atan_() => Update("atan_", this);
        public Tensor sigmoid() => Call("sigmoid", this);
        public Tensor sigmoid_() => Update("sigmoid_", this);
        public Tensor relu() => Call("relu", this);
        public Tensor relu_() => Update("relu_", this);
        public Tensor relu6() => Call("relu6", this);
        public Tensor relu6_() => Update("relu6_", this);
        public Tensor erf() => Call("erf", this);
        public Tensor erf_() => Update("erf_", this);
        public Tensor erfc() => Call("erfc", this);
        public Tensor erfc_() => Update("erfc_", this);
        public Tensor erfinv() => Call("erfinv", this);
        public Tensor erfinv_() => Update("erfinv_", this);
        public Tensor selu() => Call("selu", this);
        public Tensor selu_() => Update("selu_", this);
        public Tensor hardsigmoid() => Call("hardsigmoid", this);
        public Tensor hardsigmoid_() => Update("hardsigmoid_", this);
        public Tensor hardswish() => Call("hardswish", this);
        public Tensor hardswish_() => Update("hardswish_", this);
        public Tensor lgamma() => Call("lgamma", this);
        public Tensor lgamma_() => Update("lgamma_", this);
        public Tensor digamma() => Call("digamma", this);
        public Tensor digamma_() => Update("digamma_", this);
        public Tensor logical_not() => Call("logical_not", this);
        public Tensor logical_not_() => Update("logical_not_", this);
        public Tensor positive() => Call("positive", this);

        public Tensor gelu() => Call("gelu", this);
        public Tensor gelu_() => Update("gelu_", this);
        public Tensor silu() => Call("silu", this);
        public Tensor silu_() => Update("silu_", this);
        public Tensor log_sigmoid() => Call("log_sigmoid", this);
        public Tensor softplus(double beta = 1, double threshold = 20) => Call("softplus", this, beta, threshold);
        public Tensor leaky_relu(Scalar negative_slope) => Call("leaky_relu", this, negative_slope);
        public Tensor leaky_relu_(Scalar negative_slope) => Update("leaky_relu_", this, negative_slope);
        public Tensor elu(double alpha = 1) => Call("elu", this, alpha);
        public Tensor elu_(double alpha = 1) => Update("elu_", this, alpha);
        public Tensor absolute() => abs();
        public Tensor absolute_() => abs_();
        public Tensor negative() => neg();

        // A null bound is no bound.
        public Tensor clamp(Scalar? min = null, Scalar? max = null) => Call("clamp", this, min, max);
        public Tensor clamp(Tensor? min = null, Tensor? max = null) => Call("clamp.Tensor", this, min, max);
        public Tensor clamp_(Scalar? min = null, Scalar? max = null) => Update("clamp_", this, min, max);
        public Tensor clamp_(Tensor? min = null, Tensor? max = null) => Update("clamp_.Tensor", this, min, max);
        public Tensor clip(Scalar? min = null, Scalar? max = null) => clamp(min, max);
        public Tensor clamp_max(Scalar max) => Call("clamp_max", this, max);
        public Tensor clamp_max_(Scalar max) => Update("clamp_max_", this, max);
        public Tensor clamp_min(Scalar min) => Call("clamp_min", this, min);
        public Tensor clamp_min_(Scalar min) => Update("clamp_min_", this, min);
        public Tensor round(long decimals = 0) => Call("round.decimals", this, decimals);
        public Tensor round_(long decimals = 0) => Update("round_.decimals", this, decimals);
        public Tensor nan_to_num(double nan = 0, double? posinf = null, double? neginf = null) => Call("nan_to_num", this, nan, posinf, neginf);
        public Tensor logit(double? eps = null) => Call("logit", this, eps);
        public Tensor lerp(Tensor end, Tensor weight) => Call("lerp.Tensor", this, end, weight);
        public Tensor lerp_(Tensor end, Tensor weight) => Update("lerp_.Tensor", this, end, weight);
        public Tensor threshold(Scalar threshold, Scalar value) => Call("threshold", this, threshold, value);
        public Tensor threshold_(Scalar threshold, Scalar value) => Update("threshold_", this, threshold, value);
    }
}
