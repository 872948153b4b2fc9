//! Requests and responses of the HTTP face, as the core serves them and its clients (edge, command line, tests) read them.

mod administration;
mod agents;
mod analytics;
mod conversations;
mod credentials;
mod edges;
mod files;
mod learning;
mod login;
mod messages;
mod overlap;
mod parts;
mod routing;
mod suggestions;
mod trials;
mod turns;

pub use administration::{
    AuditBreak, AuditCheck, AuditEntry, AuditFault, AuditLine, AuditPage, TierBudget, UsageOrder, UsageView,
    Used, UserUsage, UserView,
};
pub use agents::{
    AgentView, CardBinding, CardLook, CardNote, CardNoteKind, CardSkill, Example, LookAtCard, Probe,
    RegisterAgent, SetGroups, SwitchAgent,
};
pub use analytics::{
    AgentCount, AnalyticsPage, ConfidenceCount, CorrectedRoute, Cost, Definitions, LanguageCount, ModelCost,
    ProductAnalytics, ProductPoint, ProductTotals, Step,
};
pub use conversations::{
    AddMember, ChangeConversation, ConversationSummary, CreateConversation, Fork, MAX_PAGE, MAX_TITLE_CHARS,
    Member, MemberRole, Page, Presence, SayPresence, Speaks,
};
pub use credentials::{CredentialKind, CredentialView, Hidden, KeyPlace, SetCredential};
pub use edges::{EdgeList, EdgeView};
pub use files::FileView;
pub use learning::{AgentExamples, DraftExamples, Drafts, FrozenRow, FrozenSet, NobodyExamples, SetExamples};
pub use login::{
    Exchange, Exchanged, KeyList, KeyView, Me, NewKey, NewKeyView, ProviderList, ProviderView, Revocation,
    RevocationList, Revoke, RevokedKind, SessionList, SessionView, SignOut, SignedOut, Ticket,
};
pub use messages::{Accepted, Author, Chat, ChatAnswer, MessageView, Part, SendMessage};
pub use overlap::{DuplicateExample, LostExample, Overlap, OverlapPair};
pub use parts::{
    AgentBreaker, CapacityAnalytics, CapacityPoint, CapacityTotals, CeilingBasis, CorePart, CoreReport,
    DrillPart, DrillReport, EdgePart, EdgeReport, FiguresOf, Growth, HostRole, HouseParts, Latency,
    LlmEndpoint, LlmState, PostgresHost, RedisNode, RedisRole, RunningAnalytics, RunningPoint, RunningTotals,
    TierCapacity,
};
pub use routing::{
    AgentShare, Analysis, Analyze, Bound, Change, ChangeKind, ClauseShare, DecisionView, Explanation,
    NearExample, OtherBound, Outcome, Score, written,
};
pub use suggestions::{
    DecideSuggestion, FeedbackKept, FeedbackView, GiveFeedback, SuggestionReview, SuggestionSource,
    SuggestionState, SuggestionView, Thumb,
};
pub use trials::{ExamplesTrial, Figures, FrozenTrial, LocalAnswer, LostRow, Trial};
pub use turns::{CallView, TurnView};
