"""Addresses of dead letters under `/api/v1/`."""

from rest_framework.routers import SimpleRouter

from deadletters.api.dead_letters import DeadLetterViewSet
from deadletters.api.groups import DeadLetterGroupViewSet
from deadletters.api.redrives import RedriveViewSet

router = SimpleRouter(use_regex_path=False)
router.register("dead-letters", DeadLetterViewSet, basename="dead-letter")
router.register("dead-letter-groups", DeadLetterGroupViewSet, basename="dead-letter-group")
router.register("redrives", RedriveViewSet, basename="redrive")

urlpatterns = router.urls
