namespace Interventions;

/// <summary>An intervention that cannot run as declared: the message says what is wrong, where, and what to do.</summary>
public sealed class InterventionException : Exception
{
    /// <summary>Creates the exception.</summary>
    public InterventionException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception around what caused it.</summary>
    public InterventionException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
