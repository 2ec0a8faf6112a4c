namespace Interventions.Models.Prompts.Tasks;

/// <summary>Sentences and words of <see cref="IoiTask"/>.</summary>
internal static class IoiWords
{
    public static readonly string[] Templates =
    [
        "When {IO} and {S1} went to the {place}, {S2} gave a {object} to",
        "After {IO} and {S1} came back from the {place}, {S2} handed the {object} to",
        "Then {IO} and {S1} met at the {place}, and {S2} passed a {object} to",
        "While {IO} and {S1} were waiting in the {place}, {S2} offered a {object} to",
        "Yesterday {IO} and {S1} walked to the {place}, where {S2} showed the {object} to",
        "Since {IO} and {S1} worked at the {place}, {S2} often brought a {object} to",
        "Before {IO} and {S1} left the {place}, {S2} returned the {object} to",
        "Friends since school, {IO} and {S1} found a {object} near the {place}. {S2} decided to leave it to",
        "Last week {IO} and {S1} had a long talk in the {place}, and in the end {S2} sold the {object} to",
        "Once {IO} and {S1} shared a table in the {place}. Later {S2} sent a {object} to",
        "As soon as {IO} and {S1} reached the {place}, {S2} threw the {object} to",
        "At the {place} {IO} and {S1} talked about the {object}, which {S2} had promised to",
        "In the morning {IO} and {S1} argued at the {place}. In the evening {S2} wrote a letter to",
        "The {object} was what {IO} and {S1} had come for, and at the {place} {S2} left it to",
        "Although {IO} and {S1} hardly knew each other, at the {place} {S2} lent a {object} to",
    ];

    public static readonly string[] Places =
    [
        "store", "park", "school", "office", "hospital", "restaurant", "garden", "house", "station", "library", "museum", "beach", "market",
        "church", "hotel", "airport", "farm", "theater", "bridge", "bar",
    ];

    public static readonly string[] Objects =
    [
        "drink", "ring", "book", "ball", "computer", "necklace", "bag", "key", "letter", "ticket", "camera", "phone", "coat", "watch",
        "bottle", "map", "box", "card", "gift", "hat",
    ];
}

/// <summary>Given names, by what is usual in English texts.</summary>
internal static class FirstNames
{
    public static readonly string[] Feminine =
    [
        "Mary", "Anna", "Emma", "Laura", "Sarah", "Alice", "Julia", "Linda", "Susan", "Karen", "Lisa", "Nancy", "Helen", "Sandra", "Donna",
        "Carol", "Ruth", "Sharon", "Michelle", "Kimberly", "Jessica", "Amy", "Melissa", "Rebecca", "Virginia", "Kathleen", "Martha",
        "Amanda", "Stephanie", "Christine", "Marie", "Janet", "Catherine", "Diana", "Rachel", "Emily", "Jane", "Lucy", "Maria", "Sophie",
        "Elizabeth", "Jennifer", "Margaret", "Barbara", "Patricia", "Claire", "Hannah", "Olivia", "Grace", "Victoria",
    ];

    public static readonly string[] Masculine =
    [
        "John", "Tom", "James", "Robert", "Michael", "David", "Richard", "Charles", "Joseph", "Thomas", "Daniel", "Paul", "Mark", "George",
        "Kenneth", "Steven", "Edward", "Brian", "Kevin", "Jason", "Jeff", "Frank", "Scott", "Eric", "Stephen", "Andrew", "Raymond", "Greg",
        "Joshua", "Jerry", "Dennis", "Walter", "Patrick", "Peter", "Harold", "Douglas", "Henry", "Carl", "Arthur", "Ryan", "Roger", "Jack",
        "Albert", "Jonathan", "Justin", "Simon", "Adam", "Martin", "Oliver", "Victor",
    ];
}
