using System.Text.RegularExpressions;

namespace Interventions.Examples;

/// <summary>
/// The small language that the repository's model speaks: sentences about an indirect object, in several families, among other simple
/// sentences. Words carry the space in front of them, so that a text is the words one after the other.
/// </summary>
public static partial class Sentences
{
    public static readonly string[] Names =
    [
        "Alice", "Anna", "Ben", "Bruno", "Carla", "Chris", "Clara", "Daniel", "David", "Diana", "Elena", "Emma", "Eric", "Felix", "Frank",
        "Grace",
        "Hannah", "Harry", "Helen", "Henry", "Ian", "Ivan", "Jack", "James", "Jane", "Julia", "Karen", "Kevin", "Laura", "Leo", "Linda",
        "Lucas",
        "Lucy", "Maria", "Mark", "Martin", "Mary", "Max", "Mia", "Nina", "Nora", "Oliver", "Olivia", "Oscar", "Paul", "Peter", "Rachel",
        "Robert",
        "Rosa", "Ruth", "Sam", "Sarah", "Simon", "Sofia", "Susan", "Thomas", "Tom", "Vera", "Victor", "Walter",
    ];

    public static readonly string[] Places =
    [
        "airport", "bakery", "beach", "bridge", "cafe", "castle", "church", "cinema", "farm", "garden", "harbor", "hospital", "hotel",
        "library",
        "market", "museum", "office", "park", "river", "school", "station", "store", "theater", "village",
    ];

    public static readonly string[] Objects =
    [
        "apple", "bag", "ball", "basket", "book", "bottle", "camera", "candle", "coat", "cup", "drink", "flower", "gift", "guitar", "hat",
        "key",
        "lamp", "letter", "map", "mirror", "necklace", "pen", "photo", "ring", "ticket", "watch",
    ];

    /// <summary>
    /// Families of indirect-object sentences. {A} and {B} are the two people in the order of mention, {S} is the one who acts, {IO} the
    /// other: with S = B the order is ABBA, with S = A it is BABA.
    /// </summary>
    public static readonly string[] Families =
    [
        "When{A} and{B} went to the{place},{S} gave a{object} to{IO}",
        "After{A} and{B} left the{place},{S} handed the{object} to{IO}",
        "Then{A} and{B} met at the{place}, and{S} passed a{object} to{IO}",
        "While{A} and{B} were working in the{place},{S} offered a{object} to{IO}",
        "Yesterday{A} and{B} walked to the{place}.{S} wanted to show the{object} to{IO}",
        "Friends{A} and{B} found a{object} near the{place}.{S} decided to give it to{IO}",
        "Before{A} and{B} came home from the{place},{S} sold an old{object} to{IO}",
        "Once{A} sat with{B} in the{place}. Soon{S} threw a small{object} to{IO}",
        "The{object} was in the{place} when{A} met{B}.{S} brought it to{IO}",
        "At the{place}{A} talked to{B} for an hour, then{S} sent the{object} to{IO}",
    ];

    private static readonly string[] Others =
    [
        "{A} likes the{place}.",
        "{A} lost a{object} in the{place}.{B} found it.",
        "The{object} was in the{place}, so{A} took it.",
        "{A} saw{B} at the{place}.{C} was there too.",
        "When{A} went to the{place}, the{object} was old.",
        "After{A} left the{place},{B} came home.",
        "{A} wanted a small{object}, but{B} had an old{object2}.",
        "Yesterday{A} sold the{object} to{B}.{C} found a{object2} near the{place}.",
        "Then{A} met{B} at the{place}, and{C} gave a{object} to{B}.",
        "{A} and{B} were working in the{place} for an hour.",
        "Friends{A} and{B} walked to the{place2}, then to the{place}.",
        "While{A} sat in the{place},{B} talked to{C}.",
        "{A} brought a{object} and a{object2} to the{place}.",
        "Once{A} and{B} had a{object}.{C} wanted it too.",
        "{A} decided to show the{place} to{B}.",
        "{A} met{B} in the{place}.{A} thanked{B}.",
        "{A} talked to{B}, then{B} talked to{A}.",
        "{A} and{B} left the{place}.{B} likes{A}.",
        "{A} gave a{object} to{B} and{B} gave a{object2} to{A}.",
        "When{A} saw{B},{A} thanked{B} for the{object}.",
        "At the{place}{A} and{B} found a{object}.{A} wanted it, so{B} gave it to{A}.",
    ];

    /// <summary>
    /// One filled indirect-object sentence, without its last word. ActorFirst: the one who acts was mentioned first (BABA).
    /// </summary>
    public sealed record Prompt(int Family, string IO, string S, bool ActorFirst, string Place, string Object)
    {
        /// <summary>Who is mentioned first.</summary>
        public string A => ActorFirst ? S : IO;

        /// <summary>Who is mentioned second.</summary>
        public string B => ActorFirst ? IO : S;

        /// <summary>The sentence.</summary>
        public string Text => With(A, B, S);

        /// <summary>The sentence with the given people in the places of A, B and the one who acts.</summary>
        public string With(string a, string b, string actor) => Filled(" " + a, " " + b, " " + actor);

        /// <summary>The sentence with the given people, their positions marked: IO, S1 and S2.</summary>
        public string Marked(string a, string b, string actor) =>
            Filled(ActorFirst ? $"[S1| {a}]" : $"[IO| {a}]", ActorFirst ? $"[IO| {b}]" : $"[S1| {b}]", $"[S2| {actor}]");

        private string Filled(string a, string b, string actor) => Fill(Families[Family], slot => slot switch
        {
            "A" => a,
            "B" => b,
            "S" => actor,
            "place" => " " + Place,
            "object" => " " + Object,
            _ => "",
        });
    }

    /// <summary>An indirect-object prompt of two different people, place and object, chosen at random.</summary>
    public static Prompt RandomPrompt(Random random)
    {
        string[] two = random.GetItems(Names, 2);
        while (two[0] == two[1])
            two = random.GetItems(Names, 2);
        return new Prompt(random.Next(Families.Length), two[0], two[1], random.Next(2) == 0, Pick(random, Places), Pick(random, Objects));
    }

    /// <summary>A prompt that training never saw.</summary>
    public static Prompt RandomHeldOut(Random random)
    {
        Prompt prompt = RandomPrompt(random);
        while (!HeldOut(prompt))
            prompt = RandomPrompt(random);
        return prompt;
    }

    /// <summary>
    /// Whether a combination is kept out of training: one in ten pairs of names, and one in ten of the rest by place, object and family.
    /// </summary>
    public static bool HeldOut(Prompt prompt) =>
        (Index(Names, prompt.IO) * 7 + Index(Names, prompt.S) * 3) % 10 == 0
        || (Index(Names, prompt.S) + Index(Places, prompt.Place) * 3 + Index(Objects, prompt.Object) * 7 + prompt.Family) % 10 == 0;

    /// <summary>A training text: half of the time an indirect-object sentence, alone or beside others.</summary>
    public static string RandomDocument(Random random)
    {
        string text = "";
        int count = 1 + random.Next(2);
        for (int i = 0; i < count; i++)
            text += (i == 0 ? "" : " ") + (random.Next(2) == 0 ? RandomIndirectObject(random) : RandomOther(random)).TrimStart();
        return text;
    }

    /// <summary>Every word, with and without the space in front.</summary>
    public static IEnumerable<string> Vocabulary() =>
        Families.Concat(Others).SelectMany(template => WordPattern().Matches(Slot().Replace(template, "")).Select(match => match.Value))
            .Concat(Names.Concat(Places).Concat(Objects).Select(word => " " + word))
            .SelectMany(word => new[] { word, word.TrimStart(), char.IsLetter(word[^1]) ? " " + word.TrimStart() : word })
            .Distinct().Order(StringComparer.Ordinal);

    private static string RandomIndirectObject(Random random)
    {
        Prompt prompt = RandomPrompt(random);
        while (HeldOut(prompt))
            prompt = RandomPrompt(random);
        string thanks = random.Next(2) == 0 ? $" {prompt.IO} thanked {prompt.S}." : "";
        return $"{prompt.Text} {prompt.IO}.{thanks}";
    }

    private static string RandomOther(Random random)
    {
        string[] names = [.. Names];
        random.Shuffle(names);
        return Fill(Pick(random, Others), slot => " " + slot switch
        {
            "A" => names[0],
            "B" => names[1],
            "C" => names[2],
            "place" or "place2" => Pick(random, Places),
            _ => Pick(random, Objects),
        }).TrimStart();
    }

    private static string Fill(string template, Func<string, string> slot) =>
        Slot().Replace(template, match => slot(match.Groups[1].Value));

    private static T Pick<T>(Random random, T[] items) => items[random.Next(items.Length)];

    private static int Index(string[] items, string item) => Array.IndexOf(items, item);

    [GeneratedRegex(@"\{(\w+)\}")]
    private static partial Regex Slot();

    [GeneratedRegex(@" ?[A-Za-z]+|[^A-Za-z ]")]
    private static partial Regex WordPattern();
}
