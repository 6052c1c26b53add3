//! The commit of a session's continuity secret (PROTOCOL §4.7): each write is durable before the next message leaves.

use sotto_identity::Secret;

use super::*;

/// Messages that may come while a write is on its way: the other side can be one step ahead, no more.
const MOST_HELD: usize = 8;
/// The other side's POLICY comes within this, or the two meet afresh.
const POLICY_WAIT_MS: u64 = 15_000;

/// What the contact's record becomes.
#[derive(Debug)]
pub(crate) struct ContinuityWrite {
    pub current: Secret<32>,
    /// Kept until the other side is known to have committed too.
    pub previous: Option<Secret<32>>,
    /// A session of this contact started: from now on a missing secret is a finding.
    pub started: bool,
    /// Both hold no common secret although they should: words are compared before this contact counts as compared.
    pub lost: bool,
    /// The versions that the peer has shown to speak, and the one that this session speaks.
    pub versions: (VersionRange, u8),
}

/// What follows a write.
#[derive(Clone, Copy, Debug)]
pub(super) enum Then {
    /// Client, ACK verified: its POLICY.
    SendPolicy,
    /// Therapist, POLICY arrived: its own POLICY.
    AnswerPolicy,
    /// Client, POLICY arrived: the waiting room.
    Wait,
}

pub(super) struct Committing {
    then: Then,
    ticket: Option<Ticket>,
    held: Vec<SigMessage>,
}

impl Committing {
    /// Keeps a message for later; false if that is too many.
    pub(super) fn hold(&mut self, message: SigMessage) -> bool {
        let fits = self.held.len() < MOST_HELD;
        if fits {
            self.held.push(message);
        }
        fits
    }

    pub(super) const fn digest(&self) -> u8 {
        self.held.len() as u8
    }
}

impl Call {
    /// The initiator speaks first: its POLICY, once it may.
    pub(crate) fn start(&mut self, ctx: &mut Ctx<'_>) {
        self.await_policy(ctx);
        if self.role == Role::Initiator {
            self.commit(Then::SendPolicy);
        }
    }

    fn await_policy(&mut self, ctx: &Ctx<'_>) {
        self.stage = Stage::AwaitPolicy { deadline_ms: ctx.after(POLICY_WAIT_MS) };
    }

    pub(super) fn commit(&mut self, then: Then) {
        let is_confirmed = !matches!(then, Then::SendPolicy);
        self.effects.push(Effect::Commit(Box::new(ContinuityWrite {
            current: self.next_continuity.clone(),
            previous: if is_confirmed { None } else { self.matched.clone() },
            started: is_confirmed,
            lost: self.trust.continuity_lost,
            versions: self.versions,
        })));
        self.stage = Stage::Committing(Committing { then, ticket: None, held: Vec::new() });
    }

    /// The write was asked for.
    pub(crate) fn committing(&mut self, asked: Ticket) {
        if let Stage::Committing(committing) = &mut self.stage {
            committing.ticket = Some(asked);
        }
    }

    fn awaits(&self, ticket: Ticket) -> bool {
        matches!(&self.stage, Stage::Committing(committing) if committing.ticket == Some(ticket))
    }

    /// The write is durable.
    pub(crate) fn stored(&mut self, ctx: &mut Ctx<'_>, ticket: Ticket) {
        if !self.awaits(ticket) {
            return;
        }
        let Stage::Committing(done) = core::mem::replace(&mut self.stage, Stage::Waiting) else { return };
        match done.then {
            Then::SendPolicy => {
                self.await_policy(ctx);
                self.send_policy(ctx);
            }
            Then::AnswerPolicy => {
                self.send_policy(ctx);
                self.wait(ctx);
            }
            Then::Wait => self.wait(ctx),
        }
        for message in done.held {
            self.message(ctx, message);
        }
    }

    /// It can't be made durable: this session must not go on.
    pub(crate) fn store_failed(&mut self, ctx: &mut Ctx<'_>, ticket: Ticket) {
        if self.awaits(ticket) {
            self.send(ctx, &SigMessage::Bye);
            self.close(ctx, EndReason::Error, false);
        }
    }

    fn wait(&mut self, ctx: &mut Ctx<'_>) {
        self.stage = Stage::Waiting;
        ctx.server(&self.place.server, ServerRequest::Turn(self.place.mailbox));
        if self.trust.continuity_lost {
            ctx.event(Event::Alert { contact: Some(ContactId(self.contact)), code: AlertCode::ContinuityLost });
        }
        self.effects.push(Effect::Waiting);
    }

    /// The other side's POLICY does not come: its computer has lost this session. The client meets it afresh.
    pub(super) fn policy_is_late(&mut self, ctx: &mut Ctx<'_>) {
        if self.role == Role::Initiator {
            self.effects.push(Effect::PutBack);
        }
        self.drop_media(ctx);
    }
}
