using System.Collections.Immutable;
using System.ComponentModel;
using Interventions.Sites;
using static TorchSharp.torch;

namespace Interventions.Runtime;

/// <summary>
/// A built-in write as data: it can be recognised, printed and saved. Each kind has a body too, so that an executor that does not recognise
/// the kind calls its body like a user's method.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract record WriteKind
{
    private protected WriteKind()
    {
    }

    /// <summary>The arguments of <see cref="Apply"/>, in order.</summary>
    public abstract ImmutableArray<Read> Reads { get; }

    /// <summary>The tensors of the declaration that it uses, borrowed.</summary>
    public virtual ImmutableArray<Tensor> Tensors => [];

    /// <summary>The value that is written: the selection's shape, or one that broadcasts to it.</summary>
    /// <param name="arguments">One tensor a read.</param>
    public abstract Tensor Apply(ReadOnlySpan<Tensor> arguments);

    /// <summary>The same kind with the runs renamed. Partners and means read runs of the prompt set, whose names stay.</summary>
    internal WriteKind InRuns(Func<string?, string?> name) => this switch
    {
        Freeze freeze => freeze with { From = name(freeze.From) },
        Copy copy => copy with { From = name(copy.From) },
        Mix mix => mix with { Other = mix.Other.InRuns(name) },
        _ => this,
    };

    /// <summary>(x·d / d·d) d along the last axis.</summary>
    private static Tensor Along(Tensor x, Tensor direction)
    {
        Tensor d = direction.to(x.dtype);
        return (x * d).sum([-1], keepdim: true) / (d * d).sum([-1], keepdim: true) * d;
    }

    /// <summary>A kind that reads nothing but the value itself.</summary>
    public abstract record OfValue : WriteKind
    {
        private protected OfValue()
        {
        }

        /// <inheritdoc/>
        public sealed override ImmutableArray<Read> Reads => [new Read.Value()];
    }

    /// <summary>A kind that writes a value that it reads elsewhere.</summary>
    public abstract record OfDonor : WriteKind
    {
        private protected OfDonor()
        {
        }

        /// <inheritdoc/>
        public sealed override ImmutableArray<Read> Reads => [Donor];

        /// <summary>The value that is written.</summary>
        private protected abstract Read Donor { get; }

        /// <inheritdoc/>
        public sealed override Tensor Apply(ReadOnlySpan<Tensor> arguments) => arguments[0];
    }

    /// <summary>A kind that reads the value and a swept number.</summary>
    /// <param name="Sweep">The placeholder, in braces.</param>
    public abstract record OfSweep(string Sweep) : WriteKind
    {
        /// <inheritdoc/>
        public sealed override ImmutableArray<Read> Reads => [new Read.Value(), new Read.Swept(BracedName.Read(Sweep) ?? Sweep)];
    }

    /// <summary>0.</summary>
    public sealed record Zero : OfValue
    {
        /// <inheritdoc/>
        public override Tensor Apply(ReadOnlySpan<Tensor> arguments) => zeros_like(arguments[0]);
    }

    /// <summary>The value times a factor.</summary>
    public sealed record Scale(double Factor) : OfValue
    {
        /// <inheritdoc/>
        public override Tensor Apply(ReadOnlySpan<Tensor> arguments) => arguments[0].times(Factor);
    }

    /// <summary>The value plus a tensor times a strength.</summary>
    public sealed record Add(Tensor Vector, double Strength) : OfValue
    {
        /// <inheritdoc/>
        public override ImmutableArray<Tensor> Tensors => [Vector];

        /// <inheritdoc/>
        public override Tensor Apply(ReadOnlySpan<Tensor> arguments) => arguments[0].plus(Vector.to(arguments[0].dtype).times(Strength));
    }

    /// <summary>The value times each factor of a sweep.</summary>
    public sealed record ScaleSwept(string Sweep) : OfSweep(Sweep)
    {
        /// <inheritdoc/>
        public override Tensor Apply(ReadOnlySpan<Tensor> arguments) => arguments[0] * arguments[1];
    }

    /// <summary>The value plus a tensor times each strength of a sweep.</summary>
    public sealed record AddSwept(Tensor Vector, string Sweep) : OfSweep(Sweep)
    {
        /// <inheritdoc/>
        public override ImmutableArray<Tensor> Tensors => [Vector];

        /// <inheritdoc/>
        public override Tensor Apply(ReadOnlySpan<Tensor> arguments) => arguments[0].plus(Vector.to(arguments[0].dtype) * arguments[1]);
    }

    /// <summary>The value without its component along a direction.</summary>
    public sealed record ProjectOut(Tensor Direction) : OfValue
    {
        /// <inheritdoc/>
        public override ImmutableArray<Tensor> Tensors => [Direction];

        /// <inheritdoc/>
        public override Tensor Apply(ReadOnlySpan<Tensor> arguments) => arguments[0] - Along(arguments[0], Direction);
    }

    /// <summary>The value's component along a direction.</summary>
    public sealed record ProjectOnto(Tensor Direction) : OfValue
    {
        /// <inheritdoc/>
        public override ImmutableArray<Tensor> Tensors => [Direction];

        /// <inheritdoc/>
        public override Tensor Apply(ReadOnlySpan<Tensor> arguments) => Along(arguments[0], Direction);
    }

    /// <summary>
    /// The value in the run <paramref name="From"/>; without a name the value in the changed run as it is without any write. The value is
    /// kept from changing.
    /// </summary>
    public sealed record Freeze(string? From) : OfDonor
    {
        private protected override Read Donor => new Read.From(From);
    }

    /// <summary>The value in another run, in order to change something: a sender's or a receiver's.</summary>
    public sealed record Copy(string? From) : OfDonor
    {
        private protected override Read Donor => new Read.From(From);
    }

    /// <summary>The value of another prompt; see <see cref="ResampleAttribute"/>.</summary>
    public sealed record Resample(string? From, int Seed) : OfDonor
    {
        private protected override Read Donor => new Read.Partner(From, Seed);
    }

    /// <summary>The mean over a run's prompts; see <see cref="MeanAttribute"/>.</summary>
    public sealed record Mean(string? From, bool Pooled, IPromptSet? Over = null, bool AcrossTemplates = false) : OfDonor
    {
        private protected override Read Donor => new Read.Mean(From, Pooled, Over, AcrossTemplates);
    }

    /// <summary>mask · value + (1 − mask) · what another kind writes; see <see cref="MixAttribute"/>.</summary>
    public sealed record Mix(Tensor Mask, EquatableArray<string> Axes, WriteKind Other) : WriteKind
    {
        /// <inheritdoc/>
        public override ImmutableArray<Tensor> Tensors => [Mask];

        /// <inheritdoc/>
        public override ImmutableArray<Read> Reads => [new Read.Value(), new Read.Along(Mask, Axes), .. Other.Reads];

        /// <inheritdoc/>
        public override Tensor Apply(ReadOnlySpan<Tensor> arguments)
        {
            Tensor mask = arguments[1].to(arguments[0].dtype);
            return (mask * arguments[0]).plus(mask.subtracted_from(1) * Other.Apply(arguments[2..]));
        }
    }
}
