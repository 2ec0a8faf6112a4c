namespace Interventions;

/// <summary>An intervention that cannot run as declared. The message names the problem, the place, and the remedy.</summary>
public sealed class InterventionException : Exception
{
    /// <summary>Creates the exception.</summary>
    public InterventionException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with its cause.</summary>
    public InterventionException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
