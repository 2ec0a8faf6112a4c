namespace Interventions.Models.Prompts.Tasks;

/// <summary>Countries and capitals, by their usual English names.</summary>
internal static class KnownCapitals
{
    public static readonly (string Country, string Capital)[] All =
    [
        ("France", "Paris"), ("Germany", "Berlin"), ("Italy", "Rome"), ("Spain", "Madrid"), ("Portugal", "Lisbon"), ("Austria", "Vienna"),
        ("Greece", "Athens"), ("Poland", "Warsaw"), ("Hungary", "Budapest"), ("Sweden", "Stockholm"), ("Norway", "Oslo"),
        ("Denmark", "Copenhagen"), ("Finland", "Helsinki"), ("Ireland", "Dublin"), ("Belgium", "Brussels"), ("Russia", "Moscow"),
        ("Ukraine", "Kiev"), ("Turkey", "Ankara"), ("Egypt", "Cairo"), ("Iraq", "Baghdad"), ("Iran", "Tehran"), ("Syria", "Damascus"),
        ("Lebanon", "Beirut"), ("Japan", "Tokyo"), ("China", "Beijing"), ("Taiwan", "Taipei"), ("Thailand", "Bangkok"),
        ("Vietnam", "Hanoi"), ("Indonesia", "Jakarta"), ("Philippines", "Manila"), ("Pakistan", "Islamabad"), ("Afghanistan", "Kabul"),
        ("Kenya", "Nairobi"), ("Libya", "Tripoli"), ("Cuba", "Havana"), ("Peru", "Lima"), ("Chile", "Santiago"), ("Venezuela", "Caracas"),
        ("Canada", "Ottawa"), ("Australia", "Canberra"),
    ];
}
